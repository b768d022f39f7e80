using CsCheck;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;

namespace PoolHub.Tests.Trust;

public sealed class TrustModelTests
{
    private static readonly DateTimeOffset s_monday = new(2025, 6, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly TrustModel s_model = new(new TrustOptions());

    private static readonly (string Outcome, string? FailCode)[] s_outcomes =
    [
        ("completed", null), ("failed", null), ("failed", "crash"), ("failed", "bad_input"), ("rejected", null), ("accepted", null),
    ];

    private static readonly Gen<(string Outcome, string? FailCode)> s_genOutcome =
        Gen.Int[0, s_outcomes.Length - 1].Select(i => s_outcomes[i]);

    [Fact]
    public void Score_of_nothing_learnt_is_a_half()
    {
        Assert.Equal(0.5, s_model.Score(TrustState.None, s_monday));
        Assert.Equal(0.5, s_model.Score(default, s_monday));
    }

    [Theory]
    [InlineData("completed", null, 6.0 / 11)]
    [InlineData("failed", null, 5.0 / 11)]
    [InlineData("failed", "crash", 5.0 / 11)]
    [InlineData("failed", "bad_input", 0.5)]
    [InlineData("failed", "TIMEOUT_Network", 0.5)]
    [InlineData("rejected", null, 5.0 / 10.25)]
    [InlineData("accepted", null, 0.5)]
    [InlineData("unheard_of", null, 0.5)]
    public void Score_after_one_outcome(string outcome, string? failCode, double expected)
    {
        TrustState state = s_model.Learn(TrustState.None, outcome, failCode, s_monday, mayEject: true);
        Assert.Equal(expected, s_model.Score(state, s_monday), 12);
        Assert.Equal(expected, state.Score, 12);
    }

    [Fact]
    public void Score_worked_by_hand_in_the_documentation()
    {
        TrustState state = Learn(TrustState.None, s_monday, "completed", "completed");
        Assert.Equal(0.5833, state.Score, 4);
        state = Learn(state, s_monday.AddDays(7), "failed", "rejected");
        Assert.Equal(1, state.Good, 12);
        Assert.Equal(1.25, state.Bad, 12);
        Assert.Equal(0.4898, state.Score, 4);
        Assert.Equal(0.4944, s_model.Score(state, s_monday.AddDays(14)), 4);
    }

    [Fact]
    public void Score_decays_toward_a_half()
    {
        TrustState state = Learn(TrustState.None, s_monday, [.. Enumerable.Repeat("completed", 10)]);
        Assert.Equal(15.0 / 20, s_model.Score(state, s_monday), 12);
        Assert.Equal(10.0 / 15, s_model.Score(state, s_monday.AddDays(7)), 12);
        Assert.Equal(7.5 / 12.5, s_model.Score(state, s_monday.AddDays(14)), 12);
        Assert.Equal(0.5, s_model.Score(state, s_monday.AddYears(10)), 12);
    }

    [Fact]
    public void Clock_that_goes_back_counts_as_no_time_passed()
    {
        TrustState state = Learn(TrustState.None, s_monday, "completed");
        TrustState late = Learn(state, s_monday.AddDays(-3), "completed");
        Assert.Equal(2, late.Good);
        Assert.Equal(s_monday, late.At);
        Assert.Equal(state.Score, s_model.Score(state, s_monday.AddYears(-1)));
    }

    [Fact]
    public void Failures_in_a_row_end_with_a_success_only()
    {
        TrustState state = Learn(TrustState.None, s_monday, "failed", "failed", "rejected", "accepted");
        state = s_model.Learn(state, "failed", "oom_job", s_monday, mayEject: true);
        Assert.Equal(2, state.FailuresInARow);
        Assert.Equal(0, Learn(state, s_monday, "completed").FailuresInARow);
    }

    [Fact]
    public void Ejections_grow_by_a_step_up_to_the_cap()
    {
        DateTimeOffset now = s_monday;
        TrustState state = TrustState.None;
        foreach (int sec in new[] { 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300 })
        {
            state = Learn(state, now, "failed", "failed", "failed", "failed");
            Assert.False(s_model.IsEjected(state, now));
            state = Learn(state, now, "failed");
            Assert.Equal(now.AddSeconds(sec), state.EjectedUntil);
            Assert.Equal(0, state.FailuresInARow);
            Assert.True(s_model.IsEjected(state, now.AddSeconds(sec - 1)));
            Assert.False(s_model.IsEjected(state, now.AddSeconds(sec)));
            now = now.AddSeconds(sec);
        }
    }

    [Fact]
    public void Ejections_are_forgiven_more_than_an_hour_after_the_last_one_ended()
    {
        TrustState state = Learn(TrustState.None, s_monday, Failures(5));
        DateTimeOffset ended = state.EjectedUntil!.Value;
        Assert.Equal(2, Learn(state, ended.AddHours(1), Failures(5)).Ejections);
        TrustState forgiven = Learn(state, ended.AddHours(1).AddMilliseconds(1), Failures(5));
        Assert.Equal(1, forgiven.Ejections);
        Assert.Equal(ended.AddHours(1).AddMilliseconds(1).AddSeconds(30), forgiven.EjectedUntil);
    }

    [Fact]
    public void Failures_while_ejected_count_against_the_score_alone()
    {
        TrustState state = Learn(TrustState.None, s_monday, Failures(5));
        TrustState more = Learn(state, s_monday.AddSeconds(10), Failures(20));
        Assert.Equal(0, more.FailuresInARow);
        Assert.Equal(state.EjectedUntil, more.EjectedUntil);
        Assert.True(more.Score < state.Score);
    }

    [Fact]
    public void Miner_that_may_not_be_ejected_is_when_it_fails_again_and_may()
    {
        TrustState state = TrustState.None;
        for (int i = 0; i < 6; i++)
        {
            state = s_model.Learn(state, "failed", null, s_monday, mayEject: false);
        }
        Assert.Null(state.EjectedUntil);
        Assert.Equal(6, state.FailuresInARow);
        Assert.Equal(s_monday.AddSeconds(30), Learn(state, s_monday, "failed").EjectedUntil);
    }

    [Fact]
    public void Ejection_that_a_wrong_clock_set_far_ahead_does_not_count()
    {
        TrustState state = TrustState.None with { EjectedUntil = s_monday.AddDays(1) };
        Assert.False(s_model.IsEjected(state, s_monday));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(9, 0)]
    [InlineData(10, 1)]
    [InlineData(19, 1)]
    [InlineData(30, 3)]
    [InlineData(100_000, 10_000)]
    public void MaxEjected_is_a_tenth_of_the_fleet_rounded_down(int fleet, int expected) =>
        Assert.Equal(expected, s_model.MaxEjected(fleet));

    [Fact]
    public void Score_stays_between_nothing_and_one() =>
        Gen.Select(s_genOutcome, Gen.Int[-1_000_000, 10_000_000]).Array[0, 200].Sample(steps =>
        {
            TrustState state = TrustState.None;
            DateTimeOffset now = s_monday;
            foreach (((string outcome, string? failCode), int sec) in steps)
            {
                now = now.AddSeconds(sec);
                state = s_model.Learn(state, outcome, failCode, now, mayEject: true);
                Assert.InRange(state.Score, double.Epsilon, 1 - 1e-12);
                Assert.InRange(state.FailuresInARow, 0, 4);
            }
        });

    [Fact]
    public void Outcomes_of_one_instant_teach_the_same_score_in_any_order() =>
        Gen.Select(s_genOutcome.Array[1, 50], Gen.Int).Sample((outcomes, seed) =>
        {
            (string Outcome, string? FailCode)[] shuffled = [.. outcomes];
            new Random(seed).Shuffle(shuffled);
            Assert.Equal(LearnAll(outcomes).Score, LearnAll(shuffled).Score, 12);
        });

    [Fact]
    public void Decay_is_the_same_however_often_it_is_looked_at() =>
        Gen.Select(Gen.Int[0, 10_000_000].Array[1, 20], Gen.Int[0, 100]).Sample((secs, jobs) =>
        {
            TrustState once = Learn(TrustState.None, s_monday, [.. Enumerable.Repeat("completed", jobs)]);
            TrustState often = once;
            DateTimeOffset now = s_monday;
            foreach (int sec in secs)
            {
                now = now.AddSeconds(sec);
                often = Learn(often, now, "accepted");
            }
            Assert.Equal(s_model.Score(once, now), s_model.Score(often, now), 9);
        });

    [Theory]
    [InlineData("", 0)]
    [InlineData(" , ", 0)]
    [InlineData("bad_input, Cancelled,cancelled", 2)]
    public void ParseFailCodes_reads_codes_between_commas(string text, int count)
    {
        Assert.Equal(count, TrustOptions.ParseFailCodes(text, out string? problem)!.Count);
        Assert.Null(problem);
    }

    [Fact]
    public void ParseFailCodes_names_what_is_wrong()
    {
        Assert.Null(TrustOptions.ParseFailCodes("good,ba\nd", out string? problem));
        Assert.NotNull(problem);
    }

    private static string[] Failures(int count) => [.. Enumerable.Repeat("failed", count)];

    private static TrustState Learn(TrustState state, DateTimeOffset now, params string[] outcomes) =>
        outcomes.Aggregate(state, (s, outcome) => s_model.Learn(s, outcome, null, now, mayEject: true));

    private static TrustState LearnAll(IEnumerable<(string Outcome, string? FailCode)> outcomes) =>
        outcomes.Aggregate(TrustState.None, (s, o) => s_model.Learn(s, o.Outcome, o.FailCode, s_monday, mayEject: true));
}
