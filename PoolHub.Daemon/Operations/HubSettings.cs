using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Settings;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;

namespace PoolHub.Daemon.Operations;

/// <summary>Every setting, by feature.</summary>
internal sealed record HubSettings(
    string StateDir,
    LogLevel LogLevel,
    GatewayOptions Gateway,
    GateOptions Gate,
    TlsOptions Tls,
    AccessOptions Access,
    LoginOptions Login,
    InflowOptions Inflow,
    RegistryOptions Registry,
    MatchOptions Match,
    TrustOptions Trust,
    StorageOptions Storage)
{
    private const string DefaultStateDir = "/var/lib/poolhub";

    /// <summary>The settings, or null and one line for each thing that is wrong.</summary>
    public static HubSettings? Read(SettingsSource source, out IReadOnlyList<string> problems)
    {
        var reader = new SettingsReader(source);
        var tls = TlsOptions.Read(reader);
        var settings = new HubSettings(
            // systemd sets STATE_DIRECTORY for a unit that has one.
            reader.Text("POOLHUB_STATE_DIR", reader.Text("STATE_DIRECTORY", DefaultStateDir)),
            Level(reader.Choice("LOG_LEVEL", "info", "trace", "debug", "info", "warn", "error")),
            GatewayOptions.Read(reader, encrypts: tls.Certificate is not null),
            GateOptions.Read(reader),
            tls,
            AccessOptions.Read(reader),
            LoginOptions.Read(reader),
            InflowOptions.Read(reader),
            RegistryOptions.Read(reader),
            MatchOptions.Read(reader),
            TrustOptions.Read(reader),
            StorageOptions.Read(reader));
        // Operators may have it from elsewhere; it is not needed: the registry lives in the hub's own memory.
        _ = reader.Text("REDIS_URL");
        reader.RefuseUnknown();
        problems = reader.Problems;
        return problems.Count == 0 ? settings : null;
    }

    private static LogLevel Level(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };
}
