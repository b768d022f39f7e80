namespace PoolHub.Benchmarks.Peers;

/// <summary>A Redis that keeps nothing on disk.</summary>
internal static class RedisServer
{
    public const string Program = "redis-server";

    public static bool IsInstalled => ServerProcess.Find(Program) is not null;

    /// <exception cref="FileNotFoundException">It is not installed.</exception>
    public static async Task<ServerProcess> StartAsync()
    {
        string program = ServerProcess.Find(Program)
            ?? throw new FileNotFoundException($"{Program} is not installed; on Debian: apt-get install {Program}");
        var server = new ServerProcess();
        try
        {
            await server.StartAsync(
                program, "--port", $"{server.Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", server.Directory,
                "--loglevel", "warning", "--maxclients", "4096");
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }
}
