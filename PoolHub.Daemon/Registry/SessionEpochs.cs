using System.Security.Cryptography;

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Numbers the sessions of miners by the time at which they begin, not by a counter that a crash or a restored backup sets
/// back: 42 bits of Unix ms, then 11 that tell one start of a hub from another. A miner's epochs always grow, and whoever
/// begins a session of it at the same millisecond after the clock has been set back still gives another. They fit into the
/// 53 bits that every reader of JSON keeps.
/// </summary>
/// <param name="time">The hub's clock.</param>
/// <param name="start">Of this start, below <see cref="Starts"/>.</param>
internal sealed class SessionEpochs(TimeProvider time, int start)
{
    private const int StartBits = 11;

    public const int Starts = 1 << StartBits;

    /// <summary>Of a start that is drawn by lot.</summary>
    public SessionEpochs(TimeProvider time)
        : this(time, RandomNumberGenerator.GetInt32(Starts))
    {
    }

    /// <summary>The epoch of a session that begins now; greater than <paramref name="last"/>, whatever the clock says.</summary>
    /// <param name="last">The miner's epoch before; 0 when it had none.</param>
    public long After(long last) =>
        (Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), (last >> StartBits) + 1) << StartBits) | (uint)start;
}
