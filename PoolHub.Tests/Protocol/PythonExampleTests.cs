using System.Diagnostics;
using System.Runtime.CompilerServices;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>The examples are what a stranger copies from, so they must work; and they are a second reading of the protocol.</summary>
public sealed class PythonExampleTests
{
    private const string Python = "/usr/bin/python3";

    [Fact]
    public async Task PythonExample_reads_and_writes_the_golden_vectors()
    {
        SkipWithoutPython();
        using Process process = Start("test_vectors.py");
        string output = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await EndAsync(process);
        Assert.True(process.ExitCode == 0, output);
    }

    [Fact]
    public async Task PythonExample_miner_holds_a_conversation_resumes_it_and_says_goodbye()
    {
        SkipWithoutPython();
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        using Process process = Start(
            "miner.py", "--hub", hub.Address.Authority, "--miner-id", "py-1", "--api-key", GoldenVectors.Key,
            "--region", "eu-west-1", "--price", "0.75", "--tag", "low-latency", "--accel", "cuda", "--owner", "acme");
        try
        {
            HubConversation conversation = await hub.AcceptAsync();
            Hello hello = await conversation.ExpectAsync<Hello>();
            Assert.Equal((1, "py-1", GoldenVectors.Key, null), (hello.Version, hello.MinerId, hello.ApiKey, hello.SessionToken));
            await conversation.SendAsync(new Welcome(1, [], "token-1", 1, 60, 15, Resumed: false));
            MinerProfile profile = (await conversation.ExpectAsync<Register>()).Profile;
            Assert.Equal(
                (new TokenPrice(75_000_000), "eu-west-1", "cuda", "acme"),
                (profile.Price, profile.Region, profile.Accel.Single(), profile.Owner));
            await conversation.SendAsync(new Registered(60, 15));
            await conversation.SettleAsync();

            await conversation.SendBodyAsync(Convert.FromHexString("92cd03e7c0"));
            await conversation.SendAsync(new Command(1, CommandKind.SetPriceCap, Price: new TokenPrice(5)));
            Assert.Equal(new CommandAck(1, true, ""), await conversation.ExpectAsync<CommandAck>());
            Assert.Equal(new TokenPrice(5), (await conversation.ExpectAsync<Update>()).Price);
            await conversation.SendAsync(new HeartbeatAck(0, 15));
            await conversation.SendAsync(new Command(2, CommandKind.UpdateTags, Tags: ["gold"]));
            Assert.True((await conversation.ExpectAsync<CommandAck>()).Accepted);
            Assert.Equal(["gold"], (await conversation.ExpectAsync<Register>()).Profile.Tags);
            await conversation.SendAsync(new Command(3, (CommandKind)77));
            Assert.False((await conversation.ExpectAsync<CommandAck>()).Accepted);

            conversation.Break();
            conversation = await hub.AcceptAsync();
            hello = await conversation.ExpectAsync<Hello>();
            Assert.Equal((null, "token-1"), (hello.ApiKey, hello.SessionToken));
            await conversation.SendAsync(new Welcome(1, [], "token-1", 1, 60, 15, Resumed: true));
            Assert.Equal(1, (await conversation.ExpectAsync<Heartbeat>()).Seq);

            await conversation.SendAsync(new Goodbye(CloseReason.StaleSession, "", 0));
            conversation = await hub.AcceptAsync();
            Assert.Equal(GoldenVectors.Key, (await conversation.ExpectAsync<Hello>()).ApiKey);

            using var kill = Process.Start("/bin/kill", ["-TERM", process.Id.ToString()]);
            Assert.Equal(CloseReason.Leaving, (await conversation.ExpectAsync<Goodbye>()).Reason);
            await conversation.ExpectEndAsync();
            await conversation.DisposeAsync();
            await EndAsync(process);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task PythonExample_miner_that_the_hub_will_not_have_ends_with_the_reason()
    {
        SkipWithoutPython();
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        using Process process = Start("miner.py", "--hub", hub.Address.Authority, "--miner-id", "py-1", "--api-key", "wrong");
        HubConversation conversation = await hub.AcceptAsync();
        _ = await conversation.ExpectAsync<Hello>();
        await conversation.SendAsync(new Goodbye(CloseReason.BadCredentials, "", 0));
        await EndAsync(process);
        Assert.Equal(1, process.ExitCode);
        Assert.Contains(
            "bad_credentials", await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PythonExample_coordinator_prints_candidates_and_sends_feedback()
    {
        SkipWithoutPython();
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        hub.Answer(200, """
            {"match_id":"m1","job_id":"j","candidates":[{"miner_id":"m-1","addr":"a:1","proto":"grpc","score":0.5,"eta_ms":320,"price":0.75}],
             "explain":"cap=1.0","clauses":[{"clause":"online","left":1}]}
            """);
        hub.Answer(200, """{"status":"recorded","trust_score":0.55}""");
        using Process process = Start(
            "coordinator.py", "--hub", hub.HttpAddress.ToString(), "--secret", "s", "--job-id", "j", "--region", "eu", "--min-vram-gb", "8");
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await EndAsync(process);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("1. m-1 at grpc://a:1", output, StringComparison.Ordinal);
        Assert.Contains("feedback recorded, trust is now 0.550", output, StringComparison.Ordinal);
        Assert.Equal(
            ("POST /v1/match", """{"job_id": "j", "requirements": {"min_vram_gb": 8.0}, "hints": {"region": "eu"}, "top_k": 3}"""),
            await NextAsync(hub));
        Assert.Equal(("POST /v1/feedback", """{"job_id": "j", "match_id": "m1", "miner_id": "m-1", "outcome": "completed"}"""), await NextAsync(hub));
    }

    private static async Task<(string Line, string Body)> NextAsync(ScriptedHub hub)
    {
        (string line, _, string body) = await hub.Requests.Reader.ReadAsync().AsTask().WaitAsync(ScriptedHub.Patience);
        return (line, body);
    }

    private static Process Start(string script, params string[] arguments) => Process.Start(
        new ProcessStartInfo(Python, [Path.Combine(Folder(), script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" },
        })!;

    private static Task EndAsync(Process process) =>
        process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(ScriptedHub.Patience);

    private static void SkipWithoutPython()
    {
        if (!File.Exists(Python))
        {
            Assert.Skip("no Python here");
        }
        using var probe = Process.Start(new ProcessStartInfo(Python, ["-c", "import msgpack"]) { RedirectStandardError = true })!;
        probe.WaitForExit();
        Assert.SkipWhen(probe.ExitCode != 0, "Python lacks msgpack: apt install python3-msgpack");
    }

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "examples", "python");
}
