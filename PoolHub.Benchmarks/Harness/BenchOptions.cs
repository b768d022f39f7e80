using System.Diagnostics.CodeAnalysis;

namespace PoolHub.Benchmarks.Harness;

/// <param name="Quick">Short samples: all within 3 minutes.</param>
/// <param name="Peers">Also measures PostgreSQL and Redis.</param>
/// <param name="Only">Runs the rows whose names contain one of these; all when empty.</param>
/// <param name="BudgetsPath">Another file of budgets.</param>
internal sealed record BenchOptions(bool Quick, bool Peers, string[] Only, string BudgetsPath)
{
    public static bool TryParse(string[] args, [NotNullWhen(true)] out BenchOptions? options, [NotNullWhen(false)] out string? problem)
    {
        var read = new BenchOptions(false, false, [], Path.Combine(AppContext.BaseDirectory, Budgets.FileName));
        options = null;
        problem = null;
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--quick":
                    read = read with { Quick = true };
                    break;
                case "--peers":
                    read = read with { Peers = true };
                    break;
                case "--only" when i + 1 < args.Length:
                    read = read with { Only = [.. read.Only, args[++i]] };
                    break;
                case "--budgets" when i + 1 < args.Length:
                    read = read with { BudgetsPath = args[++i] };
                    break;
                default:
                    problem = args[i] is "--only" or "--budgets" ? $"{args[i]} needs a value" : $"unknown option '{args[i]}'";
                    return false;
            }
        }
        options = read;
        return true;
    }
}
