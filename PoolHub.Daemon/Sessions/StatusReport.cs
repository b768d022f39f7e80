using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Sessions;

/// <summary>The limits of what a miner says of itself in JSON; the binary messages check theirs while they are read.</summary>
internal static class StatusReport
{
    public static (string Field, string Problem)? FindProblem(TextMessage text) =>
        FindProblem(text.QueueLen, text.AvgLatencyMs, text.TempC, text.MemFreeGb, text.CurrentJobs);

    public static (string Field, string Problem)? FindProblem(UpdateRequest update) =>
        FindProblem(update.QueueLen, update.AvgLatencyMs, update.TempC, update.MemFreeGb, update.CurrentJobs)
        ?? FindProblem(update.CommandAcks ?? []);

    public static bool IsDetail(string? detail) => detail is null || (detail.Length <= Limits.DetailChars && Texts.IsPrintable(detail));

    private static (string Field, string Problem)? FindProblem(
        int? queueLen, int? avgLatencyMs, int? tempC, double? memFreeGb, string[]? currentJobs)
    {
        if (queueLen is null)
        {
            return ("queue_len", "is missing");
        }
        if (queueLen is < 0 or > Limits.MaxQueueLen)
        {
            return ("queue_len", $"must be from 0 to {Limits.MaxQueueLen}");
        }
        if (avgLatencyMs is < 0 or > Limits.MaxLatencyMs)
        {
            return ("avg_latency_ms", $"must be from 0 to {Limits.MaxLatencyMs}");
        }
        if (tempC is < Limits.MinTempC or > Limits.MaxTempC)
        {
            return ("temp_c", $"must be from {Limits.MinTempC} to {Limits.MaxTempC}");
        }
        if (memFreeGb is { } free && !(free >= 0 && free <= Limits.MaxRamGb))
        {
            return ("mem_free_gb", $"must be a finite number from 0 to {Limits.MaxRamGb}");
        }
        return MinerProfile.FindListProblem("current_jobs", currentJobs ?? [], Limits.MaxCurrentJobs);
    }

    private static (string Field, string Problem)? FindProblem(CommandOutcome[] acks)
    {
        if (acks.Length > PendingCommands.Max)
        {
            return ("command_acks", $"must have at most {PendingCommands.Max} entries");
        }
        return acks.Any(a => a is null || !IsDetail(a.Detail))
            ? ("command_acks", $"must hold objects with a detail of at most {Limits.DetailChars} printable characters")
            : null;
    }
}
