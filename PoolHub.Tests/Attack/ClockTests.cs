using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: whoever sets the clock on the wall, by hours, ends nothing that was counted in seconds.</summary>
public sealed class ClockTests
{
    private const int Miners = 10;

    public static TheoryData<double> Hours => [-11, -1, 1, 11];

    [Theory]
    [MemberData(nameof(Hours))]
    public async Task Clock_that_is_set_ends_no_lease_no_hold_and_no_ejection(double hours)
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("tcp");
        for (int i = 1; i < Miners; i++)
        {
            _ = await hub.RegisterAsync($"m{i}");
        }
        await EjectAsync(hub, "m1");
        MatchResponse held = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"held","top_k":1,"hold_ms":40000}""")).Expect(200).Read(HubJson.Default.MatchResponse);
        string holding = Assert.Single(held.Candidates).MinerId;
        hub.AdvanceSec(5);

        hub.Time.Set = TimeSpan.FromHours(hours);
        hub.AdvanceSec(1);
        await miner.BeatAsync(1);
        Assert.Equal("online", await hub.StateAsync("m2"));
        Assert.Equal(1, (await hub.ShowAsync(holding)).Read(HubJson.Default.MinerSnapshot).Held);
        Assert.Equal(24, (await hub.ShowAsync("m1")).Read(HubJson.Default.MinerSnapshot).EjectedForSec);
        Assert.DoesNotContain("m1", await hub.MatchAsync());
        Assert.Contains("tcp", await hub.MatchAsync());

        // Back to where it was, and each ends when it would have.
        hub.Time.Set = TimeSpan.Zero;
        hub.AdvanceSec(23);
        Assert.DoesNotContain("m1", await hub.MatchAsync());
        hub.AdvanceSec(1);
        Assert.Contains("m1", await hub.MatchAsync());
        hub.AdvanceSec(9);
        Assert.Equal(1, (await hub.ShowAsync(holding)).Read(HubJson.Default.MinerSnapshot).Held);
        hub.AdvanceSec(1);
        Assert.Equal(0, (await hub.ShowAsync(holding)).Read(HubJson.Default.MinerSnapshot).Held);
        hub.AdvanceSec(20);
        Assert.Equal("degraded", await hub.StateAsync("m2"));
    }

    [Theory]
    [MemberData(nameof(Hours))]
    public async Task Clock_that_is_set_makes_no_token_stale(double hours)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        hub.Time.Set = TimeSpan.FromHours(hours);
        _ = (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200);
        hub.Time.Set = TimeSpan.Zero;
        _ = (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200);
    }

    private static async Task EjectAsync(TestHub hub, string minerId)
    {
        for (int job = 0; job < 5; job++)
        {
            Assert.Contains(minerId, await hub.MatchAsync($"j{job}"));
            _ = (await hub.Coordinator.PostAsync("/v1/feedback", $$"""{"job_id":"j{{job}}","miner_id":"{{minerId}}","outcome":"failed"}""")).Expect(200);
        }
        Assert.Equal(30, (await hub.ShowAsync(minerId)).Read(HubJson.Default.MinerSnapshot).EjectedForSec);
    }
}
