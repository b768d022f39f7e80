using PoolHub.Daemon.Http;

namespace PoolHub.Tests.Http;

/// <summary>docs/security.md: long answers that wait for their readers have a budget.</summary>
public sealed class AnswerBudgetTests
{
    private const int Long = AnswerBudget.Free + 100;

    [Fact]
    public void Caller_has_a_quarter_and_all_together_the_whole()
    {
        var budget = new AnswerBudget(1_000);
        Assert.Null(budget.Take("a", Long));
        Assert.Null(budget.Take("a", Long));
        Assert.Equal(429, budget.Take("a", Long));
        foreach (string other in (string[])["b", "c", "d", "e"])
        {
            Assert.Null(budget.Take(other, Long));
            Assert.Null(budget.Take(other, Long));
        }
        Assert.Equal(503, budget.Take("f", Long));
        budget.Return("e", Long);
        Assert.Null(budget.Take("f", Long));
        Assert.Equal(429, budget.Take("a", Long));
        budget.Return("a", Long);
        budget.Return("b", Long);
        Assert.Null(budget.Take("a", Long));
    }
}
