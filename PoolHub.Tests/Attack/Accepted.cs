using PoolHub.Daemon.Sessions;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.Attack;

/// <summary>What must be true of a message that was accepted, judged without the code that accepted it.</summary>
internal static class Accepted
{
    public static bool IsWithinLimits(object message) => message switch
    {
        Hello it => it.Version is >= 0 and <= 65_535 && Texts.IsMinerId(it.MinerId) && (it.ApiKey is null || it.SessionToken is null)
            && AreTexts(it.Features, Limits.MaxFeatures, Limits.TermChars) && IsText(it.ApiKey, Limits.ApiKeyChars)
            && IsText(it.SessionToken, Limits.SessionTokenChars),
        Welcome it => it.LeaseTtlSec > 0 && it.NextHeartbeatSec > 0 && it.Epoch >= 0
            && IsText(it.SessionToken, Limits.SessionTokenChars) && AreTexts(it.Features, Limits.MaxFeatures, Limits.TermChars),
        Register it => IsProfile(it.Profile),
        Registered it => it.LeaseTtlSec > 0 && it.NextHeartbeatSec > 0,
        Heartbeat it => it.Seq >= 0 && it.QueueLen is >= 0 and <= Limits.MaxQueueLen
            && it.AvgLatencyMs is null or (>= 0 and <= Limits.MaxLatencyMs)
            && it.TempC is null or (>= Limits.MinTempC and <= Limits.MaxTempC) && it.MemFreeGb is null or (>= 0 and <= Limits.MaxRamGb),
        HeartbeatAck it => it.Seq >= 0 && it.NextHeartbeatSec > 0,
        Update it => it.QueueLen is >= 0 and <= Limits.MaxQueueLen && it.Price is not { IsValid: false }
            && AreTexts(it.CurrentJobs, Limits.MaxCurrentJobs, Limits.JobIdChars),
        Command it => it.Id >= 0 && it.Price.IsValid && it.DelayMs >= 0 && IsText(it.Addr, Limits.AddrChars)
            && AreTexts(it.Tags ?? [], Limits.MaxTags, Limits.TermChars),
        CommandAck it => it.Id >= 0 && IsText(it.Detail, Limits.DetailChars),
        Goodbye it => it.RetryAfterMs >= 0 && IsText(it.Detail, Limits.DetailChars),
        Error it => IsText(it.Field, Limits.TermChars) && IsText(it.Detail, Limits.DetailChars),
        Ping or Pong => true,
        RegisterRequest it => it.ToProfile(out _) is { } profile && IsProfile(profile),
        UpdateRequest it => it.QueueLen is >= 0 and <= Limits.MaxQueueLen && IsStatus(it.AvgLatencyMs, it.TempC, it.MemFreeGb)
            && it.PriceTokenPerKsec is not { IsValid: false } && AreTerms(it.CurrentJobs ?? [], Limits.MaxCurrentJobs)
            && (it.CommandAcks ?? []).Length <= PendingCommands.Max && (it.CommandAcks ?? []).All(ack => ack is not null && IsText(ack.Detail, Limits.DetailChars)),
        FeedbackRequest it => IsFilled(it.JobId, Limits.JobIdChars) && Texts.IsMinerId(it.MinerId)
            && it.Outcome is "accepted" or "rejected" or "failed" or "completed"
            && (it.MatchId is null || IsFilled(it.MatchId, Limits.MatchIdChars)) && (it.FailCode is null || IsFilled(it.FailCode, Limits.TermChars))
            && it.LatencyMs is null or (>= 0 and <= Limits.MaxLatencyMs) && it.TokensSpent is not { IsValid: false },
        TextMessage it => it.Number switch
        {
            MessageNumber.Heartbeat => it.Seq is null or >= 0 && it.QueueLen is >= 0 and <= Limits.MaxQueueLen
                && IsStatus(it.AvgLatencyMs, it.TempC, it.MemFreeGb),
            MessageNumber.Update => it.Busy is not null && it.QueueLen is >= 0 and <= Limits.MaxQueueLen && it.PriceTokenPerKsec is not { IsValid: false }
                && AreTerms(it.CurrentJobs ?? [], Limits.MaxCurrentJobs),
            MessageNumber.Pong => it.Nonce is not null,
            MessageNumber.CommandAck => it is { CommandId: not null, Accepted: not null } && IsText(it.Detail, Limits.DetailChars),
            MessageNumber.Goodbye => true,
            _ => false,
        },
        _ => false,
    };

    /// <summary>Written and read again it is the same.</summary>
    public static bool ReadsBackEqual(object message)
    {
        byte[] written = AnyMessage.Write(message);
        return AnyMessage.Read(written).Message is { } again && written.AsSpan().SequenceEqual(AnyMessage.Write(again));
    }

    private static bool IsProfile(MinerProfile it) =>
        IsFilled(it.Addr, Limits.AddrChars) && !it.Addr.Contains(' ', StringComparison.Ordinal) && IsSlug(it.Proto, 16) && it.Proto.Length > 0
        && IsText(it.GpuName, Limits.GpuNameChars) && IsText(it.Owner, Limits.OwnerChars) && IsSlug(it.Region, 64)
        && it.GpuVramGb is >= 0 and <= Limits.MaxGpuVramGb && it.RamGb is >= 0 and <= Limits.MaxRamGb && it.CpuCores is >= 0 and <= Limits.MaxCpuCores
        && it.Price.E8 is >= 0 and <= 1_000_000_000 * TokenPrice.Unit && it.MaxParallel is >= 1 and <= Limits.MaxParallel
        && AreTerms(it.Accel, Limits.MaxAccel) && AreTerms(it.Tags, Limits.MaxTags) && AreTerms(it.Capabilities, Limits.MaxCapabilities);

    private static bool IsStatus(int? avgLatencyMs, int? tempC, double? memFreeGb) =>
        avgLatencyMs is null or (>= 0 and <= Limits.MaxLatencyMs) && tempC is null or (>= Limits.MinTempC and <= Limits.MaxTempC)
        && memFreeGb is null or (>= 0 and <= Limits.MaxRamGb);

    private static bool IsSlug(string text, int maxChars) =>
        text.Length <= maxChars && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || "._+-".Contains(c, StringComparison.Ordinal));

    private static bool IsFilled(string? text, int maxChars) => text is { Length: > 0 } && IsText(text, maxChars);

    private static bool AreTerms(string[] terms, int maxCount) => terms.Length <= maxCount && terms.All(term => IsFilled(term, Limits.TermChars));

    private static bool IsText(string? text, int maxChars) =>
        text is null || (text.Length <= maxChars && !text.Any(char.IsControl) && Texts.IsPrintable(text));

    private static bool AreTexts(string[] texts, int maxCount, int maxChars) =>
        texts.Length <= maxCount && texts.All(text => IsText(text, maxChars));
}
