using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>The Python examples against the real hub.</summary>
public sealed class ExamplesTests
{
    [Theory]
    [InlineData("Terminate")]
    [InlineData("Interrupt")]
    public async Task Example_miner_is_found_by_the_example_coordinator_and_says_goodbye_at_its_end(string signal)
    {
        await using HubProcess hub = await HubProcess.StartAsync(("ENROLLMENT", "closed"));
        string key = (await hub.Admin.IssueKeyAsync("py-1", TestContext.Current.CancellationToken)).ApiKey;
        await using ChildProcess miner = Start("miner.py",
            "--hub", $"127.0.0.1:{hub.TcpPort}", "--miner-id", "py-1", "--api-key", key, "--region", "eu-west-1", "--price", "0.75",
            "--gpu-vram-gb", "24", "--accel", "cuda", "--addr", "10.0.3.9:9000");
        await hub.StateAsync("py-1", "online");
        MinerSnapshot snapshot = await hub.MinerAsync("py-1");
        Assert.Equal(("tcp", 24, 0.75m, "eu-west-1"), (snapshot.Transport, snapshot.GpuVramGb, snapshot.PriceTokenPerKsec.Tokens, snapshot.Region));

        await using ChildProcess coordinator = Start("coordinator.py",
            "--hub", hub.HttpAddress.ToString(), "--secret", HubProcess.Secret, "--region", "eu", "--min-vram-gb", "16", "--max-price", "0.8",
            "--accel", "cuda", "--latency-ms", "420");
        Assert.Equal(0, await coordinator.ExitAsync());
        Assert.StartsWith("1. py-1 at grpc://10.0.3.9:9000", coordinator.Output[0], StringComparison.Ordinal);
        Assert.Equal("feedback recorded, trust is now 0.545", coordinator.Output[^1]);
        Assert.Equal(6 / 11.0, (await hub.MinerAsync("py-1")).TrustScore, 4);

        miner.Send(Enum.Parse<Signal>(signal));
        Assert.Equal(0, await miner.ExitAsync());
        // At once, not at the end of a lease.
        Assert.Equal("offline", (await hub.MinerAsync("py-1")).State);
        await using ChildProcess lonely = Start("coordinator.py", "--hub", hub.HttpAddress.ToString(), "--secret", HubProcess.Secret);
        Assert.Equal(2, await lonely.ExitAsync());
        Assert.Equal("nobody is online", lonely.Output[^1]);
    }

    [Fact]
    public async Task Example_programs_say_why_the_hub_refuses_them()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("ENROLLMENT", "closed"));
        await using ChildProcess miner = Start("miner.py", "--hub", $"127.0.0.1:{hub.TcpPort}", "--miner-id", "py-1", "--api-key", Samples.KeyOf("py-1"));
        Assert.Equal(1, await miner.ExitAsync());
        Assert.Contains("bad_credentials", miner.Errors[^1], StringComparison.Ordinal);
        await using ChildProcess coordinator = Start("coordinator.py", "--hub", hub.HttpAddress.ToString(), "--secret", "wrong");
        Assert.Equal(1, await coordinator.ExitAsync());
        Assert.StartsWith("401 ", coordinator.Errors[^1], StringComparison.Ordinal);
    }

    private static ChildProcess Start(string script, params string[] arguments) =>
        ChildProcess.Start(Programs.Python, ["-B", Programs.Example(script), .. arguments]);
}
