using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Prometheus;

namespace PoolHub.Daemon.Access;

/// <summary>Those that the settings name. Changed by one at a time; read by anybody.</summary>
/// <param name="key">Of the tags; where it stays, so do they.</param>
/// <param name="metrics">Where each has figures of its own.</param>
/// <param name="time">The clock of the limits.</param>
internal sealed class Coordinators(byte[] key, IMetricFactory metrics, TimeProvider time)
{
    private readonly Counter _matches =
        metrics.CreateCounter("poolhub_coordinator_matches_total", "Matches that a coordinator asked for, each of a batch.", ["coordinator"]);
    private readonly Counter _feedback =
        metrics.CreateCounter("poolhub_coordinator_feedback_total", "Feedback that a coordinator sent, duplicates as well.", ["coordinator"]);
    private readonly Counter _limited =
        metrics.CreateCounter("poolhub_coordinator_limited_total", "Requests of a coordinator that were more than it may.", ["coordinator", "limit"]);
    private Coordinator[] _all = [];

    public IReadOnlyList<Coordinator> All => Volatile.Read(ref _all);

    public Coordinator? Find(uint tag) => Array.Find(Volatile.Read(ref _all), c => c.Tag == tag);

    /// <summary>Who is named no more goes, figures and all; who stays keeps them, with the limits as they are now.</summary>
    public Coordinator[] Reload(IEnumerable<string> names, AccessOptions options)
    {
        Coordinator[] before = _all;
        Coordinator[] now = [.. names.Distinct().Select(name => Array.Find(before, c => c.Name == name) ?? Create(name))];
        foreach (Coordinator coordinator in now)
        {
            (coordinator.Matches.PerSec, coordinator.Feedback.PerSec) = (options.MatchRateLimit, options.FeedbackRateLimit);
        }
        foreach (Coordinator gone in before.Except(now))
        {
            gone.Matches.Remove();
            gone.Feedback.Remove();
            gone.HoldsLimited.Remove();
        }
        Volatile.Write(ref _all, now);
        return now;
    }

    private Coordinator Create(string name) => new(
        name,
        BinaryPrimitives.ReadUInt32BigEndian(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes("match-tag:" + name))),
        new Allowance("matches", new TokenBucket(0, time), _matches.WithLabels(name), _limited.WithLabels(name, "match")),
        new Allowance("reports", new TokenBucket(0, time), _feedback.WithLabels(name), _limited.WithLabels(name, "feedback")),
        _limited.WithLabels(name, "hold"));
}
