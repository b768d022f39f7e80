using System.Collections;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Console;
using PoolHub.Daemon;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Settings;
using PoolHub.Daemon.Storage;

const int Failed = 1;
const int BadUsage = 2;

if (!CommandLine.TryParse(args, out CommandLine line, out string? complaint))
{
    await Console.Error.WriteLineAsync($"poolhubd: {complaint}\n\n{CommandLine.Usage}");
    return BadUsage;
}
if (line.Action is CommandAction.Help or CommandAction.Version)
{
    Console.WriteLine(line.Action == CommandAction.Help ? CommandLine.Usage : $"poolhubd {OperationsEndpoints.Version}");
    return 0;
}
HubSettings? settings = ReadSettings(out IReadOnlyList<string> problems);
if (settings is null)
{
    foreach (string problem in problems)
    {
        await Console.Error.WriteLineAsync($"poolhubd: {problem}");
    }
    return Failed;
}
if (line.Action == CommandAction.CheckConfig)
{
    Console.WriteLine("the settings are good");
    return 0;
}

if (line.Action is CommandAction.MigrateOnly or CommandAction.Export or CommandAction.Import)
{
    return await RunTaskAsync(settings);
}

await using Hub? hub = await StartAsync(settings);
if (hub is null)
{
    return Failed;
}
using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
{
    context.Cancel = true;
    Reload();
});
ProgramLog.Ready(hub.Log, OperationsEndpoints.Version, hub.HttpEndPoint.ToString(), hub.TcpEndPoint.ToString());
if (settings.Access.CoordinatorSecrets.Length == 0)
{
    ProgramLog.OwnSecret(hub.Log, "COORDINATOR_SHARED_SECRET", Path.Combine(settings.StateDir, SecretFile.CoordinatorSecret));
}
if (settings.Access.AdminTokens.Length == 0)
{
    ProgramLog.OwnSecret(hub.Log, "ADMIN_TOKEN", Path.Combine(settings.StateDir, SecretFile.AdminToken));
}
await hub.WaitForShutdownAsync();
return 0;

async Task<int> RunTaskAsync(HubSettings settings)
{
    try
    {
        // Disposed before a complaint is written: that is the last line, and the log stands above it.
        using ILoggerFactory logs = LoggerFactory.Create(logging => LogToStandardError(logging.SetMinimumLevel(settings.LogLevel)));
        await StoreTasks.RunAsync(line, settings, Console.Out, logs);
        return 0;
    }
    catch (Exception e) when (IsComplaint(e))
    {
        await Console.Error.WriteLineAsync($"poolhubd: {e.Message}");
        return Failed;
    }
}

static bool IsComplaint(Exception e) =>
    e is StoreRefusedException or StoreUnavailableException or IOException or UnauthorizedAccessException;

static async Task<Hub?> StartAsync(HubSettings settings)
{
    try
    {
        return await Hub.StartAsync(settings, TimeProvider.System, new LogLevelSwitch(settings.LogLevel), LogToStandardError);
    }
    catch (Exception e) when (IsComplaint(e))
    {
        await Console.Error.WriteLineAsync($"poolhubd: {e.Message}");
        return null;
    }
}

HubSettings? ReadSettings(out IReadOnlyList<string> problems)
{
    var environment = new Dictionary<string, string>(StringComparer.Ordinal);
    foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
    {
        environment[(string)variable.Key] = (string?)variable.Value ?? "";
    }
    return HubSettings.Read(SettingsSource.Load(line.ConfigPath, environment), out problems);
}

void Reload()
{
    if (ReadSettings(out IReadOnlyList<string> problems) is not { } fresh)
    {
        foreach (string problem in problems)
        {
            ProgramLog.ReloadRefused(hub.Log, problem);
        }
        return;
    }
    try
    {
        foreach (string name in hub.Reload.Apply(fresh))
        {
            ProgramLog.NeedsRestart(hub.Log, name);
        }
        ProgramLog.Reloaded(hub.Log);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        ProgramLog.ReloadRefused(hub.Log, e.Message);
    }
}

// The journal takes standard error; standard output is for what was asked of the program.
static void LogToStandardError(ILoggingBuilder logging)
{
    logging.AddConsole(console =>
    {
        console.FormatterName = LogLine.FormatterName;
        console.LogToStandardErrorThreshold = LogLevel.Trace;
    });
    logging.Services.AddSingleton<ConsoleFormatter, LogLine>();
}
