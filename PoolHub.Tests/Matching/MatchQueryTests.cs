using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class MatchQueryTests
{
    private static readonly string[] TooMany = [.. Enumerable.Range(0, 65).Select(i => $"t{i}")];

    public static TheoryData<string, MatchRequest> Faulty => new()
    {
        { "job_id", new() },
        { "job_id", new() { JobId = "" } },
        { "job_id", new() { JobId = new string('j', Limits.JobIdChars + 1) } },
        { "job_id", new() { JobId = "a\nb" } },
        { "top_k", new() { JobId = "j", TopK = 0 } },
        { "top_k", new() { JobId = "j", TopK = 101 } },
        { "weights", new() { JobId = "j", Weights = "unheard" } },
        { "weights", new() { JobId = "j", Weights = "" } },
        { "explain", new() { JobId = "j", Explain = "some" } },
        { "spread_by", new() { JobId = "j", SpreadBy = "" } },
        { "spread_by", new() { JobId = "j", SpreadBy = "Region" } },
        { "exclude", new() { JobId = "j", Exclude = Ids(257) } },
        { "exclude[0]", new() { JobId = "j", Exclude = [""] } },
        { "exclude[3]", new() { JobId = "j", Exclude = ["a", "b", "a", "no spaces", "d e"] } },
        { "exclude[1]", new() { JobId = "j", Exclude = ["a", null!] } },
        { "exclude[255]", new() { JobId = "j", Exclude = [.. Ids(255), new string('m', Limits.MinerIdChars + 1)] } },
        { "requirements.task", Needs(new() { Task = "" }) },
        { "requirements.task", Needs(new() { Task = new string('t', Limits.TermChars - 4) }) },
        { "requirements.min_vram_gb", Needs(new() { MinVramGb = double.NaN }) },
        { "requirements.min_vram_gb", Needs(new() { MinVramGb = double.PositiveInfinity }) },
        { "requirements.min_vram_gb", Needs(new() { MinVramGb = -0.5 }) },
        { "requirements.min_vram_gb", Needs(new() { MinVramGb = Limits.MaxGpuVramGb + 1 }) },
        { "requirements.min_ram_gb", Needs(new() { MinRamGb = double.NaN }) },
        { "requirements.min_ram_gb", Needs(new() { MinRamGb = Limits.MaxRamGb + 1 }) },
        { "requirements.accel", Needs(new() { Accel = ["cuda", null!] }) },
        { "requirements.tags_any", Needs(new() { TagsAny = TooMany }) },
        { "requirements.tags_any", Needs(new() { TagsAny = [""] }) },
        { "requirements.capabilities_any", Needs(new() { CapabilitiesAny = [new string('c', Limits.TermChars + 1)] }) },
        { "hints.region", Hints(new() { Region = "EU" }) },
        { "hints.region", Hints(new() { Region = new string('r', 65) }) },
        { "hints.max_price", Hints(new() { MaxPrice = new TokenPrice(-1) }) },
        { "hints.max_price", Hints(new() { MaxPrice = new TokenPrice(long.MaxValue) }) },
        { "hints.deadline_ms", Hints(new() { DeadlineMs = 0 }) },
        { "hints.deadline_ms", Hints(new() { DeadlineMs = 3_600_001 }) },
    };

    [Theory]
    [MemberData(nameof(Faulty), DisableDiscoveryEnumeration = true)]
    public void MatchQuery_of_a_faulty_request_names_the_field(string field, MatchRequest request)
    {
        Assert.False(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out _, out var fault));
        Assert.Equal(field, fault.Value.Field);
        Assert.StartsWith("must ", fault.Value.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void MatchQuery_of_only_a_job_id_asks_the_three_clauses_and_three_candidates()
    {
        Assert.True(MatchQuery.TryCreate(new() { JobId = "j" }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        Assert.Equal([Clause.Online, Clause.Available, Clause.FreeSlots], Enum.GetValues<Clause>().Where(query.Asks));
        Assert.Equal(3, query.TopK);
    }

    [Fact]
    public void MatchQuery_at_every_limit_asks_every_clause()
    {
        var request = new MatchRequest
        {
            JobId = new string('j', Limits.JobIdChars),
            TopK = 100,
            Weights = "spread",
            Explain = "full",
            Exclude = Ids(256),
            SpreadBy = "owner",
            Requirements = new()
            {
                Task = new string('t', Limits.TermChars - 5),
                MinVramGb = Limits.MaxGpuVramGb,
                MinRamGb = Limits.MaxRamGb,
                Accel = TooMany[1..],
                TagsAny = TooMany[1..],
                CapabilitiesAny = TooMany[1..],
            },
            Hints = new() { Region = new string('r', 64), MaxPrice = TokenPrice.Max, DeadlineMs = 3_600_000 },
        };
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault), $"{fault}");
        Assert.All(Enum.GetValues<Clause>(), clause => Assert.True(query.Asks(clause)));
        Assert.True(query.ExplainFull);
        Assert.Equal(SpreadBy.Owner, query.SpreadBy);
        Assert.Equal(256, query.Exclude.Length);
    }

    [Theory]
    [InlineData(null, "None")]
    [InlineData("region", "Region")]
    [InlineData("owner", "Owner")]
    public void MatchQuery_spreads_by_what_is_asked(string? asked, string expected)
    {
        Assert.True(MatchQuery.TryCreate(new() { JobId = "j", SpreadBy = asked }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        Assert.Equal(expected, query.SpreadBy.ToString());
    }

    [Fact]
    public void MatchQuery_excludes_each_id_once()
    {
        var request = new MatchRequest { JobId = "j", Exclude = ["b", "a", "b", "B"] };
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        Assert.Equal(["b", "a", "B"], query.Exclude);
    }

    [Fact]
    public void MatchQuery_with_empty_lists_and_region_does_not_ask_them()
    {
        var request = new MatchRequest
        {
            JobId = "j",
            Exclude = [],
            Requirements = new() { Accel = [], TagsAny = [], CapabilitiesAny = [] },
            Hints = new() { Region = "" },
        };
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        Assert.Equal([Clause.Online, Clause.Available, Clause.FreeSlots], Enum.GetValues<Clause>().Where(query.Asks));
    }

    private static string[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => $"m{i}")];

    private static MatchRequest Needs(MatchRequirements needs) => new() { JobId = "j", Requirements = needs };

    private static MatchRequest Hints(MatchHints hints) => new() { JobId = "j", Hints = hints };
}
