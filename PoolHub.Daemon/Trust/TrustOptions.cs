using System.Collections.Frozen;
using PoolHub.Daemon.Settings;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Trust;

/// <summary>How outcomes turn into trust; see docs/scoring.md, "Trust".</summary>
internal sealed record TrustOptions
{
    /// <summary>After this time an outcome counts half.</summary>
    public double HalfLifeDays { get; init; } = 7;

    /// <summary>Outcomes for the miner that are assumed before any is seen; 5 : 5 is a first score of 0.5.</summary>
    public double PriorGood { get; init; } = 5;
    public double PriorBad { get; init; } = 5;

    /// <summary>What a <c>rejected</c> counts against the miner, in failures.</summary>
    public double RejectedWeight { get; init; } = 0.25;

    public int FailuresToEject { get; init; } = 5;

    /// <summary>The first ejection's length; the nth is n times as long, up to <see cref="EjectionCapSec"/>.</summary>
    public int EjectionStepSec { get; init; } = 30;
    public int EjectionCapSec { get; init; } = 300;

    /// <summary>A miner that has been back for longer than this begins again at the first step.</summary>
    public int ForgiveAfterSec { get; init; } = 3_600;

    /// <summary>The largest part of the fleet that may be ejected at once, rounded down.</summary>
    public double MaxEjectedShare { get; init; } = 0.10;

    /// <summary>The fail codes that are the job's or the network's fault; upper and lower case are the same.</summary>
    public FrozenSet<string> FailCodesNotMiner { get; init; } = DefaultFailCodesNotMiner;

    /// <remarks>
    /// <list type="bullet">
    /// <item><c>bad_input</c>: the job's input could not be used by any miner.</item>
    /// <item><c>oom_job</c>: the job needed more memory than its requirements said.</item>
    /// <item><c>cancelled</c>: the client or the coordinator gave the job up.</item>
    /// <item><c>timeout_network</c>: the way between the coordinator and the miner did not answer in time.</item>
    /// <item><c>network</c>: that way failed otherwise.</item>
    /// <item><c>coordinator_error</c>: the coordinator failed.</item>
    /// <item><c>unsupported_task</c>: the job asked for what the miner never offered.</item>
    /// <item><c>insufficient_funds</c>: the client could not pay.</item>
    /// </list>
    /// A plain <c>timeout</c>, <c>deadline_exceeded</c> or <c>oom</c> is left to the miner: it took the job.
    /// </remarks>
    public static FrozenSet<string> DefaultFailCodesNotMiner { get; } = Table(
        "bad_input", "oom_job", "cancelled", "timeout_network", "network", "coordinator_error", "unsupported_task",
        "insufficient_funds");

    public static TrustOptions Read(SettingsReader settings)
    {
        if (settings.Given("FAIL_CODES_NOT_MINER") is not { } text)
        {
            return new TrustOptions();
        }
        FrozenSet<string>? codes = ParseFailCodes(text, out string? problem);
        if (codes is null)
        {
            settings.Fail("FAIL_CODES_NOT_MINER", problem!);
        }
        return new TrustOptions { FailCodesNotMiner = codes ?? DefaultFailCodesNotMiner };
    }

    /// <summary>
    /// Reads the setting <c>FAIL_CODES_NOT_MINER</c>: codes between commas; empty for none. Null, with the problem,
    /// when it is not well formed.
    /// </summary>
    public static FrozenSet<string>? ParseFailCodes(string text, out string? problem)
    {
        string[] codes = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string? bad = Array.Find(codes, static code => code.Length > Limits.TermChars || !Texts.IsPrintable(code));
        problem = bad is null
            ? null
            : $"must hold fail codes of at most {Limits.TermChars} printable characters, separated by commas";
        return bad is null ? Table(codes) : null;
    }

    private static FrozenSet<string> Table(params string[] codes) => codes.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
