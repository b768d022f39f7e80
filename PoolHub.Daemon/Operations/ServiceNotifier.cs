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
    private static readonly TimeSpan ExtendInterval = TimeSpan.FromSeconds(20);

    private long _statusAt = time.GetTimestamp();
    private long _matchesThen;
    private string _status = "";

    /// <summary>
    /// Asks for another minute again and again, until it is disposed: a large database that was not closed is checked for
    /// longer than a start may take, and one that is away is waited for.
    /// </summary>
    public static ITimer ExtendStart(ISystemdNotifier? systemd, TimeProvider time, ILogger log) => time.CreateTimer(
        _ =>
        {
            if (systemd is { IsEnabled: true })
            {
                Send(systemd, log, "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opening the store");
            }
        },
        null,
        ExtendInterval,
        ExtendInterval);

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

    private void Send(string state) => Send(systemd, log, state);

    private static void Send(ISystemdNotifier systemd, ILogger log, string state)
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
