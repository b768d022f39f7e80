using System.Diagnostics;
using System.Net;

namespace PoolHub.Tests.Attack;

/// <summary>Everybody who attacks at once. One thread visits them in turn.</summary>
internal sealed class Crowd : IDisposable
{
    private readonly Attacker[] _calm;
    private readonly Attacker[] _restless;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private Exception? _failure;

    /// <param name="http">The doors.</param>
    /// <param name="tcp">Likewise.</param>
    /// <param name="share">1 for the whole crowd.</param>
    /// <param name="addresses">From how many addresses it comes.</param>
    /// <param name="seed">Of the garbage.</param>
    public Crowd(IPEndPoint http, IPEndPoint tcp, double share, int addresses, ulong seed)
    {
        int number = 0;
        _calm =
        [
            .. Many(5_000, (door, from, _) => new SilentAttacker(door, from)),
            .. Many(2_000, (door, from, i) => new DrippingAttacker(door, from, door != http ? Drip.Frame : (i & 2) == 0 ? Drip.Head : Drip.Body)),
            .. Many(1_000, (door, from, i) => new GarbageAttacker(door, from, seed + (ulong)i)),
            .. Many(500, (door, from, i) => new DeafAttacker(door, from, door == http, i)),
        ];
        _restless = [.. Many(100, (door, from, _) => new RestlessAttacker(door, from))];
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();

        IEnumerable<Attacker> Many(int whole, Func<IPEndPoint, IPAddress, int, Attacker> make) =>
            Enumerable.Range(0, (int)(whole * share)).Select(i => make((i & 1) == 0 ? http : tcp, Loopback.Hostile(number++, addresses), i));
    }

    public int Count => _calm.Length + _restless.Length;

    /// <summary>Connections that they have made.</summary>
    public int Connections => _calm.Sum(a => a.Connections) + RestlessConnections;
    public int RestlessConnections => _restless.Sum(a => a.Connections);

    /// <summary>All go away at once.</summary>
    public void End()
    {
        _stop.Set();
        _thread.Join();
        Array.ForEach([.. _calm, .. _restless], attacker => attacker.Dispose());
        if (_failure is not null)
        {
            throw new InvalidOperationException("the crowd broke", _failure);
        }
    }

    public void Dispose() => _stop.Dispose();

    private void Run()
    {
        try
        {
            var elapsed = Stopwatch.StartNew();
            long visits = 0;
            while (!_stop.IsSet)
            {
                // The calm are visited once a second, evenly; the restless whenever there is time.
                long due = (long)(elapsed.Elapsed.TotalSeconds * _calm.Length);
                for (; visits < due && !_stop.IsSet; visits++)
                {
                    _ = _calm[visits % _calm.Length].Visit();
                }
                bool idle = true;
                foreach (Attacker attacker in _restless)
                {
                    idle &= !attacker.Visit();
                }
                // While none of them is let in there is nothing to do: to look without a pause would take a core from the hub.
                if (idle)
                {
                    _ = _stop.Wait(1);
                }
            }
        }
        catch (Exception e)
        {
            _failure = e;
        }
    }
}
