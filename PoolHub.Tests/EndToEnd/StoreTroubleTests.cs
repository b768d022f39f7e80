using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>A disk that is full, a file that is damaged.</summary>
public sealed class StoreTroubleTests
{
    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Full_disk_is_told_matches_go_on_and_it_recovers(string kind)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may mount a small disk");
        PostgresServer? server = kind == "postgres" ? await PostgresServer.StartAsync() : null;
        string dsn = server is null ? "" : await server.CreateDatabaseAsync();
        await using HubProcess hub = HubProcess.Prepare(("DB_DSN", dsn), ("FLAP_LIMIT_PER_MIN", "0"));
        hub.ExpectError("a commit of");
        hub.ExpectError("took nothing");
        Directory.CreateDirectory(hub.StateDir);
        Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", hub.StateDir);
        try
        {
            await hub.RestartAsync();
            var ledger = new Ledger(hub, "f");
            Assert.True(await ledger.RegisterAsync("f-rig", 1));
            await AwayTests.ReportManyAsync(ledger, "f-rig", 0, 50);
            // With PostgreSQL the disk is needed for the spool.
            server?.Stop();
            string filler = Path.Combine(hub.StateDir, "filler");
            Fill(filler);
            int taken = 50;
            while (await ledger.ReportAsync($"f-job-{taken}", "f-rig"))
            {
                taken++;
                Assert.True(taken < 20_000, "the disk does not fill");
            }
            Assert.Equal(503, Assert.Single(ledger.Refused).Key);
            _ = await Eventually.SeeAsync(hub.HealthAsync, h => h.Status == "degraded" && h.Reasons!.Any(IsFull));
            // What it says comes through a pipe.
            _ = await Eventually.SeeAsync(() => Task.FromResult(hub.Log), log => log.Any(IsFull));
            _ = await AwayTests.MatchForAsync(hub, TimeSpan.FromMilliseconds(200), TimeSpan.Zero);

            File.Delete(filler);
            if (server is not null)
            {
                await server.LaunchAsync();
            }
            _ = await Eventually.SeeAsync(() => ledger.ReportAsync($"f-job-{taken}", "f-rig"), done => done);
            _ = await Eventually.SeeAsync(hub.HealthAsync, h => h.Status == "ok");
            await hub.KillAsync();
            await hub.RestartAsync();
            await AwayTests.DeliveredAsync(hub);
            await new StoreUnderTest(server is null ? null : dsn, hub.StateDir).AssertHoldsAsync(ledger, "f");
            Assert.Equal(0, await hub.StopAsync());
        }
        finally
        {
            if (!hub.Process.HasExited)
            {
                await hub.KillAsync();
            }
            Run("umount", hub.StateDir);
            server?.Dispose();
        }
    }

    [Theory]
    [InlineData("half")]
    [InlineData("garbage")]
    [InlineData("feedback")]
    public async Task Damaged_file_is_refused_with_what_to_do_and_left_alone(string damage)
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        var ledger = new Ledger(hub, "d");
        Assert.True(await ledger.RegisterAsync("d-rig", 1));
        await AwayTests.ReportManyAsync(ledger, "d-rig", 0, 300);
        Assert.Equal(0, await hub.StopAsync());
        string path = Path.Combine(hub.StateDir, "poolhub.db");
        byte[] whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        int page = RootPage(path, "feedback") * 4096;
        byte[] left = damage switch
        {
            "half" => whole[..(whole.Length / 2)],
            "garbage" => [.. whole[..4096], .. new byte[whole.Length - 4096]],
            _ => [.. whole[..(page - 4096)], .. new byte[4096], .. whole[page..]],
        };
        await File.WriteAllBytesAsync(path, left, TestContext.Current.CancellationToken);

        hub.Launch();
        Assert.Equal(1, await hub.Process.ExitAsync());
        string complaint = Assert.Single(hub.Log, l => l.StartsWith("poolhubd: ", StringComparison.Ordinal));
        Assert.Contains("is damaged", complaint, StringComparison.Ordinal);
        Assert.Contains("Restore it from a backup", complaint, StringComparison.Ordinal);
        Assert.Equal(left, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));

        await File.WriteAllBytesAsync(path, whole, TestContext.Current.CancellationToken);
        await hub.RestartAsync();
        await StoreUnderTest.Of(hub).AssertHoldsAsync(ledger, "d");
    }

    private static bool IsFull(string said) =>
        said.Contains("disk is full", StringComparison.OrdinalIgnoreCase) || said.Contains("No space left", StringComparison.OrdinalIgnoreCase);

    private static int RootPage(string path, string table)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT rootpage FROM sqlite_schema WHERE name = $table";
        _ = command.Parameters.AddWithValue("$table", table);
        return (int)(long)command.ExecuteScalar()!;
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create);
        byte[] block = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
