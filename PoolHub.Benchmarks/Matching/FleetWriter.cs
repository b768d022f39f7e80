using System.Diagnostics;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Daemon.Matching;

namespace PoolHub.Benchmarks.Matching;

/// <summary>
/// A thread that changes the fleet at a fixed pace while it is let: heartbeats, registrations (half of them new miners,
/// for each of whom another leaves) and, once a second, the latency ranks.
/// </summary>
internal sealed class FleetWriter : IDisposable
{
    public const int HeartbeatsPerSec = 100_000;
    public const int RegistrationsPerSec = 1_000;

    /// <summary>What is due is looked at this often; a heartbeat is at most so late.</summary>
    private static readonly TimeSpan s_tick = TimeSpan.FromMicroseconds(100);

    private readonly MatchIndex _index;
    private readonly int[] _slots;
    private readonly FleetMiner[] _newcomers = [.. new FleetGenerator(seed: 2).Take(8_192)];
    private readonly Random _random = new(3);
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _let = new();
    private readonly ManualResetEventSlim _idle = new(initialState: true);
    private volatile bool _ends;
    private long _heartbeats;
    private long _registrations;
    private TimeSpan _active;

    /// <param name="index">The index.</param>
    /// <param name="slots">Where its miners are; the writer's from here on.</param>
    public FleetWriter(MatchIndex index, int[] slots)
    {
        (_index, _slots) = (index, slots);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public double HeartbeatRate => _heartbeats / _active.TotalSeconds;
    public double RegistrationRate => _registrations / _active.TotalSeconds;

    public void Resume()
    {
        _idle.Reset();
        _let.Set();
    }

    /// <summary>Returns when nothing is written any more.</summary>
    public void Pause()
    {
        _let.Reset();
        _idle.Wait();
    }

    public void Dispose()
    {
        _ends = true;
        _let.Set();
        _thread.Join();
        _let.Dispose();
        _idle.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _let.Wait();
            if (_ends)
            {
                return;
            }
            Write();
            _idle.Set();
        }
    }

    private void Write()
    {
        long begin = Stopwatch.GetTimestamp();
        long heartbeats = 0;
        long registrations = 0;
        int refreshes = 0;
        TimeSpan elapsed = TimeSpan.Zero;
        for (TimeSpan next = s_tick; _let.IsSet && !_ends; next = elapsed + s_tick)
        {
            while ((elapsed = Stopwatch.GetElapsedTime(begin)) < next)
            {
                Thread.SpinWait(16);
            }
            for (; heartbeats < (long)(elapsed.TotalSeconds * HeartbeatsPerSec); heartbeats++)
            {
                Beat();
            }
            for (; registrations < (long)(elapsed.TotalSeconds * RegistrationsPerSec); registrations++)
            {
                Register(_newcomers[registrations % _newcomers.Length], renewal: registrations % 2 == 0);
            }
            // The first one soon, so that a short stretch has its share too.
            for (; refreshes < (int)(elapsed.TotalSeconds + 0.75); refreshes++)
            {
                FleetIndex.Refresh(_index);
            }
        }
        _heartbeats += heartbeats;
        _registrations += registrations;
        _active += Stopwatch.GetElapsedTime(begin);
    }

    private void Beat()
    {
        int slot = _slots[_random.Next(_slots.Length)];
        FleetIndex.Beat(_index, slot, _random.Next(6), _random.Next(100, 2_000));
        if (_random.Next(8) == 0)
        {
            _index.SetRtt(slot, _random.Next(1, 300));
        }
    }

    private void Register(FleetMiner newcomer, bool renewal)
    {
        ref int slot = ref _slots[_random.Next(_slots.Length)];
        // As the hub does it: a miner of another region gets another place.
        if (renewal && _index.ProfileAt(slot)?.Region == newcomer.Profile.Region)
        {
            _index.Replace(slot, newcomer.Profile);
        }
        else
        {
            _index.Remove(slot);
            slot = FleetIndex.Add(_index, newcomer);
        }
    }
}
