using System.Text.Json;
using PoolHub.Cli.Demo;
using PoolHub.Cli.Simulate;
using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Cli;

public sealed class FleetTests
{
    [Fact]
    public void Fleet_of_the_same_seed_is_the_same()
    {
        Assert.Equal(Written(new Fleet(7).Take(200)), Written(new Fleet(7).Take(200)));
        Assert.NotEqual(Written(new Fleet(7).Take(200)), Written(new Fleet(8).Take(200)));
    }

    [Fact]
    public void Miner_of_a_number_does_not_depend_on_how_many_there_are() =>
        Assert.Equal(Written([new Fleet(7).Miner(150)]), Written([new Fleet(7).Take(200)[150]]));

    [Theory]
    [InlineData("Small")]
    [InlineData("Mixed")]
    [InlineData("Datacenter")]
    public void Fleet_has_valid_profiles_and_distinct_ids_and_usable_keys(string kind)
    {
        FleetMiner[] miners = new Fleet(3, Enum.Parse<FleetProfile>(kind)).Take(2000);
        Assert.All(miners, miner =>
        {
            Assert.Null(miner.Profile.FindProblem());
            Assert.True(Texts.IsMinerId(miner.MinerId));
            Assert.True(MinerKey.IsUsable(miner.ApiKey));
        });
        Assert.Equal(miners.Length, miners.DistinctBy(miner => miner.MinerId).Count());
        Assert.Equal(miners.Length, miners.DistinctBy(miner => miner.ApiKey).Count());
        Assert.Equal(miners.Length, miners.DistinctBy(miner => miner.Profile.Addr).Count());
    }

    [Fact]
    public void Mixed_fleet_is_mixed_in_everything()
    {
        FleetMiner[] miners = new Fleet(3).Take(300);
        Assert.Equal(3, miners.Select(miner => miner.Transport).Distinct().Count());
        Assert.True(miners.Select(miner => miner.Profile.Region).Distinct().Count() >= 8);
        Assert.True(miners.Select(miner => miner.Profile.GpuName).Distinct().Count() >= 15);
        Assert.True(miners.Select(miner => miner.Profile.Price).Distinct().Count() >= 50);
        Assert.Contains(miners, miner => miner.Profile.Accel.Contains("rocm"));
        Assert.InRange(miners.Select(miner => miner.Profile.Owner).Distinct().Count(), 5, 12);
        Assert.Contains(miners, miner => miner.Profile.Owner.Length == 0);
        int withTasks = miners.Count(miner => miner.Profile.Capabilities.Any(name => name.StartsWith("task:", StringComparison.Ordinal)));
        Assert.InRange(withTasks, 100, 200);
    }

    [Fact]
    public void Small_fleet_has_no_server_cards_and_datacenter_fleet_has_no_others()
    {
        Assert.All(new Fleet(1, FleetProfile.Small).Take(200), miner => Assert.InRange(miner.Profile.GpuVramGb, 1, 32));
        Assert.All(new Fleet(1, FleetProfile.Datacenter).Take(200), miner => Assert.Contains("datacenter", miner.Profile.Tags));
    }

    [Fact]
    public void Fleet_with_a_transport_and_a_prefix_uses_them() =>
        Assert.All(new Fleet(1, transport: FleetTransport.Ws, prefix: "dc-").Take(20), miner =>
        {
            Assert.Equal(FleetTransport.Ws, miner.Transport);
            Assert.StartsWith("dc-", miner.MinerId, StringComparison.Ordinal);
        });

    [Fact]
    public void Queue_fills_and_drains_within_its_limits()
    {
        FleetMiner miner = new Fleet(5).Take(50).MaxBy(one => one.Load)!;
        var queue = new JobQueue(miner);
        List<MinerStatus> seen = [];
        for (int second = 0; second < 600; second++)
        {
            queue.Tick();
            seen.Add(queue.Now);
        }
        Assert.All(seen, status => Assert.InRange(status.QueueLen, 0, miner.Profile.MaxParallel * 3));
        Assert.All(seen, status => Assert.InRange(status.MemFreeGb!.Value, 0, miner.Profile.GpuVramGb));
        Assert.Contains(seen.Zip(seen.Skip(1)), pair => pair.Second.QueueLen > pair.First.QueueLen);
        Assert.Contains(seen.Zip(seen.Skip(1)), pair => pair.Second.QueueLen < pair.First.QueueLen);
    }

    [Fact]
    public void Demo_fleet_has_enough_miners_for_each_of_its_matches()
    {
        FleetMiner[] miners = new Fleet(42, prefix: "demo-").Take(300);
        Dictionary<string, FleetMiner> byId = miners.ToDictionary(miner => miner.MinerId);
        Assert.All(DemoMatch.All, match =>
        {
            int fitting = miners.Count(miner => match.FindFault(Answer(miner), byId) is null);
            Assert.True(fitting >= 5, $"{match.Job}: {fitting}");
            Assert.True(fitting < miners.Length / 2, $"{match.Job}: {fitting}");
        });
    }

    [Fact]
    public void Demo_match_finds_the_fault_in_a_wrong_answer()
    {
        DemoMatch embed = DemoMatch.All[0];
        FleetMiner miner = new Fleet(42).Miner(0);
        var byId = new Dictionary<string, FleetMiner> { [miner.MinerId] = miner };
        FleetMiner With(Func<MinerProfile, MinerProfile> change)
        {
            byId[miner.MinerId] = miner with { Profile = change(Good(miner.Profile)) };
            return byId[miner.MinerId];
        }

        Assert.Null(embed.FindFault(Answer(With(profile => profile)), byId));
        Assert.Contains("memory", embed.FindFault(Answer(With(profile => profile with { GpuVramGb = 7 })), byId), StringComparison.Ordinal);
        Assert.Contains("region", embed.FindFault(Answer(With(profile => profile with { Region = "europe-1" })), byId), StringComparison.Ordinal);
        Assert.Contains("dear", embed.FindFault(Answer(With(profile => profile with { Price = new TokenPrice(90_000_000) })), byId), StringComparison.Ordinal);
        Assert.Contains("task", embed.FindFault(Answer(With(profile => profile with { Capabilities = ["task:other"] })), byId), StringComparison.Ordinal);
        Assert.Contains("accel", embed.FindFault(Answer(With(profile => profile with { Accel = ["rocm"] })), byId), StringComparison.Ordinal);
        Assert.Contains("nobody", embed.FindFault(Answer(), byId), StringComparison.Ordinal);
    }

    private static MinerProfile Good(MinerProfile profile) => profile with
    {
        GpuVramGb = 8,
        Region = "eu-west-1",
        Price = new TokenPrice(80_000_000),
        Capabilities = [],
        Accel = ["cuda"],
    };

    private static MatchResponse Answer(params FleetMiner[] miners) => new()
    {
        MatchId = "m",
        JobId = "job",
        Explain = "because",
        Clauses = [],
        Candidates =
        [
            .. miners.Select(miner => new Candidate
            {
                MinerId = miner.MinerId,
                Addr = miner.Profile.Addr,
                Proto = miner.Profile.Proto,
                Score = 0.5,
                Price = miner.Profile.Price,
            }),
        ],
    };

    private static string Written(IEnumerable<FleetMiner> miners) => string.Join('\n', miners.Select(miner =>
        JsonSerializer.Serialize(RegisterRequest.From(miner.MinerId, miner.ApiKey, miner.Profile), HubJson.Default.RegisterRequest)
        + $" {miner.Transport} {miner.JobMs} {miner.Load} {miner.Seed}"));
}
