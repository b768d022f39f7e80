using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>A password that has to be right, over TLS.</summary>
public sealed class PostgresLoginTests
{
    [Fact]
    public async Task Hub_logs_in_over_tls_and_a_wrong_password_is_refused_and_not_repeated()
    {
        using PostgresServer server = await PostgresServer.StartAsync();
        using var authority = new Certificates("postgres");
        await server.UseTlsAsync(authority);
        // Its password has an @ and a /, percent-encoded.
        string dsn = await server.CreateDatabaseAsync();
        await using HubProcess hub = HubProcess.Prepare(("DB_DSN", $"{dsn}?sslmode=require"));
        await hub.RestartAsync();
        Assert.Equal("ok", (await hub.HealthAsync()).Status);
        Assert.Equal(true, await server.SqlAsync(dsn, "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = datname"));
        Assert.Equal(0, await hub.StopAsync());

        hub.Set(("DB_DSN", $"{dsn}?sslmode=verify-full&sslrootcert={authority.CaFile}"));
        await hub.RestartAsync();
        Assert.Equal(0, await hub.StopAsync());

        using var stranger = new Certificates("stranger");
        FinishedProgram unknown = await MigrateAsync(hub, $"{dsn}?sslmode=verify-full&sslrootcert={stranger.CaFile}");
        Assert.Equal(1, unknown.Status);
        Assert.Contains("certificate", Complaint(unknown), StringComparison.Ordinal);

        FinishedProgram wrong = await MigrateAsync(hub, dsn.Replace("%2Fword", "%2Fwrong", StringComparison.Ordinal) + "?sslmode=require");
        Assert.Equal(1, wrong.Status);
        Assert.Contains("password authentication failed", Complaint(wrong), StringComparison.Ordinal);
        Assert.DoesNotContain("p@ss", wrong.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("p%40ss", wrong.ToString(), StringComparison.Ordinal);
    }

    private static Task<FinishedProgram> MigrateAsync(HubProcess hub, string dsn)
    {
        hub.Set(("DB_DSN", dsn));
        return Programs.RunAsync(Programs.Daemon, ["--migrate-only"], [.. hub.Environment()]);
    }

    private static string Complaint(FinishedProgram run) => Assert.Single(run.ErrorLines, l => l.StartsWith("poolhubd: ", StringComparison.Ordinal));
}
