using System.Threading.Channels;
using PoolHub.Protocol;
using PoolHub.Protocol.Client;

namespace PoolHub.Tests.EndToEnd;

/// <summary>A miner at the real hub, which comes back quickly after a drop.</summary>
internal sealed class LiveMiner : IAsyncDisposable
{
    private readonly CancellationTokenSource _leave = new();
    private readonly Channel<MinerStateEventArgs> _states = Channel.CreateUnbounded<MinerStateEventArgs>();

    private LiveMiner(MinerClientOptions options)
    {
        Client = new MinerClient(options);
        Client.StateChanged += (_, change) => _ = _states.Writer.TryWrite(change);
        Run = Client.RunAsync(_leave.Token);
    }

    public MinerClient Client { get; }

    private Task Run { get; }

    /// <summary>Starts it and waits until the hub offers it.</summary>
    public static async Task<LiveMiner> JoinAsync(HubProcess hub, string scheme, string id, MinerProfile? profile = null, string? key = null)
    {
        var miner = new LiveMiner(new MinerClientOptions
        {
            Hub = hub.MinerAddress(scheme),
            MinerId = id,
            ApiKey = key ?? Samples.KeyOf(id),
            Profile = profile ?? Samples.Profile(),
            MinBackoff = TimeSpan.FromMilliseconds(20),
            MaxBackoff = TimeSpan.FromMilliseconds(200),
        });
        _ = await miner.UntilAsync(MinerClientState.Online);
        return miner;
    }

    /// <summary>Waits for the next time that it enters a state.</summary>
    public async Task<MinerStateEventArgs> UntilAsync(MinerClientState state)
    {
        while (true)
        {
            MinerStateEventArgs change = await _states.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience);
            if (change.State == state)
            {
                return change;
            }
            if (change.State == MinerClientState.Stopped)
            {
                await Run;
            }
        }
    }

    /// <summary>Waits until it has ended for good.</summary>
    /// <exception cref="MinerRefusedException">The hub will not have it.</exception>
    public Task EndAsync() => Run.WaitAsync(Eventually.Patience);

    /// <summary>Says goodbye.</summary>
    public async Task LeaveAsync()
    {
        await _leave.CancelAsync();
        await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        _leave.Dispose();
    }
}
