using System.Collections;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting.Systemd;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Settings;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon;

/// <summary>The program <c>poolhubd</c>, from its command line to its end.</summary>
internal static class DaemonRun
{
    /// <returns>0 when all went well, 1 when the settings are wrong, the hub could not start or has failed, 2 for a wrong command line.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        const int Failed = 1;
        const int BadUsage = 2;
        const string DefaultRuntimeDir = "/run/poolhub";

        if (!CommandLine.TryParse(args, out CommandLine line, out string? complaint))
        {
            Complain($"{complaint}\n\n{CommandLine.Usage}");
            return BadUsage;
        }
        if (line.Action is CommandAction.Help or CommandAction.Version)
        {
            Console.WriteLine(line.Action == CommandAction.Help ? CommandLine.Usage : $"poolhubd {OperationsEndpoints.Version}");
            return 0;
        }
        Dictionary<string, string> environment = ReadEnvironment();
        if (line.Action == CommandAction.Reload)
        {
            IReadOnlyList<string> wrong = await ReloadSocket.AskAsync(environment.GetValueOrDefault("RUNTIME_DIRECTORY", DefaultRuntimeDir));
            Complain(wrong);
            return wrong.Count == 0 ? 0 : Failed;
        }
        HubSettings? settings = ReadSettings(out IReadOnlyList<string> problems);
        if (settings is null)
        {
            Complain(problems);
            return Failed;
        }
        if (line.Action == CommandAction.CheckConfig)
        {
            Console.WriteLine("the settings are good");
            return 0;
        }

        try
        {
            // Disposed before a complaint is written: that is the last line, and the log stands above it.
            using var log = new QueuedLog(JournalLog.OfThisProcess() ?? (ILogSink)LogLine.OfThisProcess());
            AppDomain.CurrentDomain.UnhandledException += (_, _) => log.Dispose();
            return line.Action is CommandAction.MigrateOnly or CommandAction.Export or CommandAction.Import
                ? await RunTaskAsync(log)
                : await RunHubAsync(log);
        }
        catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException or IOException or UnauthorizedAccessException or SocketException)
        {
            Complain(e.Message);
            return Failed;
        }

        async Task<int> RunTaskAsync(QueuedLog log)
        {
            using ILoggerFactory logs = LoggerFactory.Create(logging => logging.SetMinimumLevel(settings.LogLevel).AddProvider(log));
            await StoreTasks.RunAsync(line, settings, Console.Out, logs);
            return 0;
        }

        async Task<int> RunHubAsync(QueuedLog log)
        {
            await using Hub hub = await Hub.StartAsync(
                settings, TimeProvider.System, new LogLevelSwitch(settings.LogLevel), logging => logging.AddProvider(log),
                sockets: PassedSockets.Read(environment), systemd: new SystemdNotifier());
            using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                _ = hub.Reload.Run(ReadSettings);
            });
            await using ReloadSocket? reloadSocket =
                ReloadSocket.Open(environment.GetValueOrDefault("RUNTIME_DIRECTORY"), () => hub.Reload.Run(ReadSettings));
            ProgramLog.Ready(hub.Log, OperationsEndpoints.Version, hub.HttpEndPoint.ToString(), hub.TcpEndPoint.ToString());
            TellSecret(hub, "COORDINATOR_SHARED_SECRET", settings.Access.CoordinatorSecrets, SecretFile.CoordinatorSecret);
            TellSecret(hub, "ADMIN_TOKEN", settings.Access.AdminTokens, SecretFile.AdminToken);
            // systemd restarts what has failed.
            return await hub.WaitForShutdownAsync() ? 0 : Failed;
        }

        static Dictionary<string, string> ReadEnvironment()
        {
            var environment = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            {
                environment[(string)variable.Key] = (string?)variable.Value ?? "";
            }
            return environment;
        }

        HubSettings? ReadSettings(out IReadOnlyList<string> problems) =>
            HubSettings.Read(SettingsSource.Load(line.ConfigPath, environment), out problems);

        void TellSecret(Hub hub, string name, NamedSecret[] given, string file)
        {
            if (given.Length == 0)
            {
                bool passed = SecretFile.Find(settings.Access.CredentialsDir, file) is not null;
                ProgramLog.OwnSecret(hub.Log, name, passed ? $"the credential {file}" : Path.Combine(settings.StateDir, file));
            }
        }

        // A program that has failed ends, also where nobody reads why.
        static void Complain(params IReadOnlyList<string> problems)
        {
            using var error = new QueuedLog(LogLine.OfThisProcess());
            foreach (string problem in problems)
            {
                error.Say($"poolhubd: {problem}");
            }
        }
    }
}
