using PoolHub.Protocol;
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
        Register it => it.Profile.FindProblem() is null && double.IsFinite(it.Profile.GpuVramGb) && double.IsFinite(it.Profile.RamGb),
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
        _ => false,
    };

    /// <summary>Written and read again it is the same.</summary>
    public static bool ReadsBackEqual(object message)
    {
        byte[] written = AnyMessage.Write(message);
        return AnyMessage.Read(written).Message is { } again && written.AsSpan().SequenceEqual(AnyMessage.Write(again));
    }

    private static bool IsText(string? text, int maxChars) =>
        text is null || (text.Length <= maxChars && !text.Any(char.IsControl) && Texts.IsPrintable(text));

    private static bool AreTexts(string[] texts, int maxCount, int maxChars) =>
        texts.Length <= maxCount && texts.All(text => IsText(text, maxChars));
}
