using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage.Spool;

/// <summary>One write that waits for the database; exactly one of these is given.</summary>
internal sealed record SpoolEntry(
    DateTimeOffset At, StoredFeedback? Feedback = null, SpooledRegistration? Registration = null, SpooledEpoch? Epoch = null,
    SpooledDraining? Draining = null);

internal sealed record SpooledRegistration(string MinerId, MinerProfile Profile, long Epoch);

internal sealed record SpooledEpoch(string MinerId, long Epoch);

internal sealed record SpooledDraining(string MinerId, bool Draining);
