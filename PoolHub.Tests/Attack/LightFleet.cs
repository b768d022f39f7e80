using System.Diagnostics;
using System.Net;

namespace PoolHub.Tests.Attack;

/// <summary>Many honest miners in one thread: each acts at its time.</summary>
internal sealed class LightFleet : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly LightMiner[] _miners;
    private readonly double _beatEverySec;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;

    /// <param name="hub">The door for miners.</param>
    /// <param name="count">How many.</param>
    /// <param name="beatEverySec">Between two heartbeats of one miner.</param>
    /// <param name="forgetful">Every so many-th has lost its token when it returns.</param>
    public LightFleet(IPEndPoint hub, int count, double beatEverySec, int forgetful = int.MaxValue)
    {
        _miners = [.. Enumerable.Range(0, count).Select(i => new LightMiner($"rig-{i}", Loopback.Honest(i), hub) { ForgetsItsToken = i % forgetful == forgetful - 1 })];
        _beatEverySec = beatEverySec;
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public IReadOnlyList<LightMiner> Miners => _miners;

    public int OnlineCount => _miners.Count(m => m.IsOnline);

    /// <summary>Miners turn to another door when they next connect.</summary>
    public void MoveTo(IPEndPoint hub) => Array.ForEach(_miners, m => m.MoveTo(hub));

    /// <summary>Waits until all are online, and says how long it took.</summary>
    public async Task<TimeSpan> AllOnlineAsync()
    {
        var waited = Stopwatch.StartNew();
        while (OnlineCount < _miners.Length)
        {
            Assert.True(waited.Elapsed < s_patience, $"{OnlineCount} of {_miners.Length} are online; sent away: {string.Join(", ", _miners.Select(m => m.SentAway).Distinct())}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        return waited.Elapsed;
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        Array.ForEach(_miners, m => m.Dispose());
        _stop.Dispose();
    }

    private void Run()
    {
        var elapsed = Stopwatch.StartNew();
        long beats = 0, looks = 0;
        while (!_stop.Wait(1))
        {
            double seconds = elapsed.Elapsed.TotalSeconds;
            for (long due = (long)(seconds * _miners.Length / _beatEverySec); beats < due; beats++)
            {
                _miners[beats % _miners.Length].Act(beat: true);
            }
            // Whoever is away looks twenty times a second whether it is time to come back.
            for (long due = (long)(seconds * 20); looks < due; looks++)
            {
                Array.ForEach(_miners, m => m.Act(beat: false));
            }
        }
    }
}
