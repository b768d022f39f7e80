using PoolHub.Cli.Match;
using PoolHub.Cli.Miners;
using PoolHub.Cli.Simulate;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Cli;

public sealed class ViewTests
{
    private static readonly MatchResponse s_answer = new()
    {
        MatchId = "m",
        JobId = "j",
        Explain = "cap=1.00 • price=0.25",
        Clauses = [new ClauseCount { Clause = "online", Left = 12 }, new ClauseCount { Clause = "min_vram_gb", Left = 2 }],
        Candidates =
        [
            new Candidate
            {
                MinerId = "rig-1",
                Addr = "10.0.0.1:50051",
                Proto = "grpc",
                Score = 0.8712,
                EtaMs = 320,
                Price = new TokenPrice(75_000_000),
                Breakdown =
                [
                    new ScoreTerm { Term = "cap", Norm = 1, Weight = 0.4, Contribution = 0.4 },
                    new ScoreTerm { Term = "price", Raw = 0.75, Norm = 0.25, Weight = 0.2, Contribution = 0.05 },
                ],
            },
            new Candidate
            {
                MinerId = "rig-[2]",
                Addr = "[::1]:50051",
                Proto = "http",
                Score = 0.5,
                Price = new TokenPrice(100_000_000),
                Degraded = true,
            },
        ],
    };

    private static readonly MinerSnapshot s_miner = new()
    {
        MinerId = "rig-1",
        State = "degraded",
        Transport = "ws",
        Epoch = 4,
        Addr = "10.0.0.1:50051",
        Proto = "grpc",
        GpuName = "Card [special]",
        GpuVramGb = 24,
        CpuCores = 16,
        RamGb = 64,
        PriceTokenPerKsec = new TokenPrice(75_000_000),
        MaxParallel = 2,
        Region = "eu-west-1",
        Owner = "acme [labs]",
        Accel = ["cuda"],
        Tags = ["spot"],
        Capabilities = [],
        QueueLen = 1,
        Busy = true,
        TrustScore = 0.512,
        Draining = true,
        EjectedForSec = 30,
    };

    [Fact]
    public void Match_table_shows_score_weights_norms_and_clause_counts()
    {
        string text = CommandLine.Draw(console => MatchView.Write(console, s_answer, breakdowns: false));
        string[] lines = text.Split('\n');
        Assert.Contains(lines, line => Has(line, "score", "cap ×0.4", "price ×0.2", "eta ms"));
        Assert.Contains(lines, line => Has(line, "rig-1", "0.871", "1.00", "0.25", "0.75", "320", "grpc://10.0.0.1:50051"));
        Assert.Contains(lines, line => Has(line, "rig-[2] degraded", "0.500", "–", "http://[::1]:50051"));
        Assert.Contains("cap=1.00 • price=0.25", text, StringComparison.Ordinal);
        Assert.Contains("online 12 → min_vram_gb 2", text, StringComparison.Ordinal);
        Assert.DoesNotContain("contribution", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Match_table_with_breakdowns_adds_a_table_for_each_candidate_that_has_one()
    {
        string text = CommandLine.Draw(console => MatchView.Write(console, s_answer, breakdowns: true));
        Assert.Contains("rig-1: score 0.8712", text, StringComparison.Ordinal);
        Assert.Contains(text.Split('\n'), line => Has(line, "price", "0.75", "0.2500", "0.20", "0.0500"));
    }

    [Fact]
    public void Match_without_candidates_says_so_and_why()
    {
        MatchResponse none = s_answer with { Candidates = [], Explain = "no miner in eu", Clauses = [new ClauseCount { Clause = "region", Left = 0 }] };
        string text = CommandLine.Draw(console => MatchView.Write(console, none, breakdowns: true));
        Assert.Contains("No candidates.", text, StringComparison.Ordinal);
        Assert.Contains("no miner in eu", text, StringComparison.Ordinal);
        Assert.Contains("region 0", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Miners_are_shown_in_a_table_and_one_in_full()
    {
        string table = CommandLine.Draw(console => console.Write(MinersView.Many([s_miner])));
        Assert.Contains(
            table.Split('\n'),
            line => Has(line, "rig-1", "degraded, draining, ejected 30 s", "ws", "Card [special]", "24", "eu-west-1", "0.75", "1/2", "–", "0.51"));
        string one = CommandLine.Draw(console => console.Write(MinersView.One(s_miner)));
        Assert.Contains("grpc://10.0.0.1:50051", one, StringComparison.Ordinal);
        Assert.Contains("1 of 2, busy", one, StringComparison.Ordinal);
        Assert.Contains("acme [labs]", one, StringComparison.Ordinal);
        Assert.Contains("0.75 tokens per 1,000 s", one, StringComparison.Ordinal);
        Assert.Contains("never", one, StringComparison.Ordinal);
    }

    [Fact]
    public void Miner_is_shown_at_an_admins_price_and_with_what_is_held()
    {
        MinerSnapshot miner = s_miner with
        {
            PriceOverride = new PriceOverrideView { PriceTokenPerKsec = new TokenPrice(50_000_000) },
            MaxParallel = 4,
            QueueLen = 2,
            Held = 1,
            Busy = false,
        };
        string table = CommandLine.Draw(console => console.Write(MinersView.Many([miner])));
        Assert.Contains(table.Split('\n'), line => Has(line, "eu-west-1", "0.5 (admin)", "2/4"));
        Assert.DoesNotContain("0.75", table, StringComparison.Ordinal);
        string one = CommandLine.Draw(console => console.Write(MinersView.One(miner)));
        Assert.Contains("0.5 tokens per 1,000 s by an admin, its own 0.75", one, StringComparison.Ordinal);
        Assert.Contains("2 of 4, 1 held", one, StringComparison.Ordinal);
        MinerSnapshot ends = miner with
        {
            PriceOverride = miner.PriceOverride with { EndsAt = new DateTimeOffset(2026, 1, 2, 13, 0, 0, TimeSpan.FromHours(1)) },
        };
        Assert.Contains(
            "0.5 tokens per 1,000 s by an admin until 2026-01-02 12:00:00Z, its own 0.75",
            CommandLine.Draw(console => console.Write(MinersView.One(ends))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Fleet_line_counts_what_happens()
    {
        var counts = new FleetCounts(Total: 300, Registered: 300, Online: 299, Refused: 0, Heartbeats: 5000, Reconnects: 4, Errors: 1);
        Assert.Equal(
            "299/300 online  300 registered  74.5 heartbeats/s  4 reconnects  1 errors",
            FleetDisplay.Line(counts, 74.5, markup: false));
    }

    /// <summary>Whether a line has all the texts in this order.</summary>
    internal static bool Has(string line, params string[] texts)
    {
        int at = 0;
        foreach (string text in texts)
        {
            at = line.IndexOf(text, at, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }
            at += text.Length;
        }
        return true;
    }
}
