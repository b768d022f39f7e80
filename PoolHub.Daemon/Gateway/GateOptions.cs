using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Gateway;

/// <summary>How many connections are let in, through both doors together; 0: as many as come.</summary>
/// <param name="Connections">All of them.</param>
/// <param name="PerAddress">Of one IPv4 address or IPv6 /64; 0 says that addresses tell nobody from another.</param>
/// <param name="Greetings">Of those who have not said who they are; a quarter of it for one address.</param>
internal sealed record GateOptions(int Connections = 0, int PerAddress = 0, int Greetings = 0)
{
    /// <summary>Descriptors that are left for everything else that is open: the store, the logs, the doors.</summary>
    private const int Reserve = 256;

    public static GateOptions Read(SettingsReader settings) => new(
        settings.Int32("MAX_CONNECTIONS", DescriptorLimit() - Reserve, 0, int.MaxValue),
        settings.Int32("MAX_CONNECTIONS_PER_ADDRESS", 4_096, 0, int.MaxValue),
        settings.Int32("MAX_GREETINGS", 4_096, 0, int.MaxValue));

    /// <summary>getrlimit(2), RLIMIT_NOFILE, as the kernel shows it. The runtime has raised it as far as it may.</summary>
    private static int DescriptorLimit()
    {
        const string Name = "Max open files";
        const int Otherwise = 1_048_576;
        try
        {
            string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
            string? soft = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            return int.TryParse(soft, out int limit) && limit > 2 * Reserve ? limit : Otherwise;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Otherwise;
        }
    }
}
