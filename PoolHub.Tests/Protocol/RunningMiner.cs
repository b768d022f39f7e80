using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Protocol.Client;

namespace PoolHub.Tests.Protocol;

/// <summary>A client that runs against a scripted hub, with a clock that only the test moves.</summary>
internal sealed class RunningMiner : IAsyncDisposable
{
    private readonly CancellationTokenSource _leave = new();
    private readonly Channel<MinerStateEventArgs> _states = Channel.CreateUnbounded<MinerStateEventArgs>();

    private RunningMiner(MinerClientOptions options, FakeTimeProvider time)
    {
        Time = time;
        Client = new MinerClient(options);
        Client.StateChanged += (_, change) => _ = _states.Writer.TryWrite(change);
        Run = Client.RunAsync(_leave.Token);
    }

    public MinerClient Client { get; }
    public FakeTimeProvider Time { get; }
    public Task Run { get; }

    /// <summary>Pauses are as long as they can be unless the test says otherwise.</summary>
    public static RunningMiner Start(Uri hub, Func<MinerClientOptions, MinerClientOptions>? change = null, double jitter = 1)
    {
        var time = new FakeTimeProvider();
        var options = new MinerClientOptions
        {
            Hub = hub,
            MinerId = "miner-1",
            ApiKey = GoldenVectors.Key,
            Profile = GoldenVectors.Profile,
            TimeProvider = time,
            Jitter = () => jitter,
        };
        return new RunningMiner(change?.Invoke(options) ?? options, time);
    }

    /// <summary>Waits for the next time that the client enters a state.</summary>
    public async Task<MinerStateEventArgs> UntilAsync(MinerClientState state)
    {
        while (true)
        {
            MinerStateEventArgs change = await _states.Reader.ReadAsync().AsTask().WaitAsync(ScriptedHub.Patience);
            if (change.State == state)
            {
                return change;
            }
        }
    }

    public void Leave() => _leave.Cancel();

    public Task EndAsync() => Run.WaitAsync(ScriptedHub.Patience);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        _leave.Dispose();
    }
}
