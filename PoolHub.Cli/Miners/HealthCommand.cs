using System.CommandLine;
using System.Globalization;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Miners;

internal static class HealthCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "health",
            "Say how the hub is. Needs no secret. Exit code 1 when the hub does not answer.",
            "poolhub health",
            "poolhub health --hub http://10.0.0.5:8203 --json");
        command.Add(hub.Json);
        command.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            HealthResponse health = await connection.Health().HealthAsync(cancel);
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(health, HubJson.Default.HealthResponse);
                return ExitCode.Done;
            }
            string latency = health.AvgLatencyMs is { } ms
                ? string.Create(CultureInfo.InvariantCulture, $", {ms:0.0} ms mean round trip")
                : "";
            terminal.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{health.Status}: {Pages.Counted(health.OnlineMiners, "miner", "miners")} online, {health.DegradedMiners} degraded{latency}; "
                + $"version {health.Version}, up for {TimeSpan.FromSeconds(health.UptimeSec):c}"));
            foreach (string reason in health.Reasons ?? [])
            {
                terminal.WriteLine($"  {reason}");
            }
            return ExitCode.Done;
        });
        return command;
    }
}
