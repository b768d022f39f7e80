using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting.Systemd;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;

namespace PoolHub.Daemon.Operations;

/// <summary>
/// Tells systemd how the hub is, sd_notify(3): when it serves, that it stops, what it does, and, with every sweep, that
/// it is alive. A sweep that is stuck, or fails each time, is silent, and systemd restarts the hub.
/// </summary>
internal sealed class ServiceNotifier(
    ISystemdNotifier systemd, MinerRegistry registry, MatchMetrics matches, TimeProvider time, ILogger<ServiceNotifier> log)
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan OpeningInterval = TimeSpan.FromSeconds(30);

    private long _statusAt = time.GetTimestamp();
    private long _matchesThen;
    private string _status = "";

    /// <summary>Asks for more time for as long as the store opens: a database may be away, and a large one takes its time.</summary>
    public static async Task<T> WhileOpeningAsync<T>(Task<T> opening, ISystemdNotifier? systemd, TimeProvider time)
    {
        while (await Task.WhenAny(opening, Task.Delay(OpeningInterval, time)) != opening)
        {
            try
            {
                systemd?.Notify(new ServiceState("EXTEND_TIMEOUT_USEC=120000000\nSTATUS=waiting for the store"));
            }
            catch (SocketException)
            {
                // It is told again, well before its time is over.
            }
        }
        return await opening;
    }

    /// <summary>Both doors are open.</summary>
    public void Ready() => Send($"READY=1\nSTATUS={Status(0)}");

    public void Stopping() => Send("STOPPING=1\nSTATUS=finishing requests and saying goodbye to the miners");

    /// <summary>A sweep went well.</summary>
    public void Swept()
    {
        TimeSpan since = time.GetElapsedTime(_statusAt);
        if (since < StatusInterval)
        {
            Send("WATCHDOG=1");
            return;
        }
        long count = matches.Count;
        string status = Status((count - _matchesThen) / since.TotalSeconds);
        (_statusAt, _matchesThen) = (time.GetTimestamp(), count);
        Send(status == _status ? "WATCHDOG=1" : $"WATCHDOG=1\nSTATUS={status}");
        _status = status;
    }

    private string Status(double matchesPerSec) => string.Create(
        CultureInfo.InvariantCulture,
        $"{registry.OnlineCount} miners online, {registry.DegradedCount} degraded; {matchesPerSec:0.0} matches/s"
        + $"{(registry.Guard.Active ? "; many fell silent at once, the network is suspected" : "")}");

    private void Send(string state)
    {
        try
        {
            systemd.Notify(new ServiceState(state));
        }
        catch (SocketException e)
        {
            ProgramLog.NotNotified(log, e.Message);
        }
    }
}
