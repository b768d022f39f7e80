using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// One authenticated conversation of a miner. It outlives its sockets: a miner that drops and returns with its token has
/// the same session, and one that speaks HTTP only has no socket at all.
/// </summary>
/// <param name="miner">Whose it is.</param>
/// <param name="epoch">Its number.</param>
/// <param name="generation">Of the key with which it was begun; see <see cref="SessionTokens.GenerationOf"/>.</param>
internal sealed class Session(Miner miner, long epoch, ulong generation)
{
    private volatile Channel? _channel;
    private StoredKeys? _claim;

    public Miner Miner => miner;
    public long Epoch => epoch;
    public TokenClaims Claims => new(miner.Id, epoch, generation);

    /// <summary>False once a newer session of the miner began, or the miner left.</summary>
    public bool IsCurrent => miner.Epoch == epoch;

    /// <summary>Null when no socket is open.</summary>
    public Channel? Channel { get => _channel; set => _channel = value; }

    public Transport Transport => _channel?.Transport ?? Transport.Http;

    public PendingCommands Commands { get; } = new();

    /// <summary>Keys that this miner brought and that are not stored until it registers.</summary>
    public StoredKeys? Claim { get => Volatile.Read(ref _claim); set => Volatile.Write(ref _claim, value); }
}
