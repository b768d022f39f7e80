using Prometheus;

namespace PoolHub.Daemon.Access;

/// <summary>One of those who ask for matches. The object stays while its name stands in the settings.</summary>
/// <param name="Name">At most 64 of them, so that it can be a label of the metrics.</param>
/// <param name="Tag">Stands in the ids of its matches; docs/decisions/0018.</param>
/// <param name="Matches">How many matches it may ask for.</param>
/// <param name="Feedback">How much feedback it may give.</param>
/// <param name="HoldsLimited">Counts matches that found it holding all that it may.</param>
internal sealed record Coordinator(string Name, uint Tag, Allowance Matches, Allowance Feedback, Counter.Child HoldsLimited);
