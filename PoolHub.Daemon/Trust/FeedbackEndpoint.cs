using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using Prometheus;

namespace PoolHub.Daemon.Trust;

/// <summary>How a job went; docs/http-api.md, "Feedback".</summary>
/// <param name="trust">Learns from it.</param>
/// <param name="credentials">Who may report.</param>
/// <param name="matches">What is known of past matches.</param>
/// <param name="recorded">Told of every outcome that was not a duplicate and matched.</param>
/// <param name="endHolds">
/// Ends the holds of the coordinator with this tag that a report makes needless, duplicates as well; returns how many.
/// </param>
/// <param name="metrics">Where they are counted.</param>
/// <param name="time">When they came.</param>
internal sealed class FeedbackEndpoint(
    TrustBook trust, Credentials credentials, PastMatches matches, Action<StoredFeedback> recorded,
    Func<FeedbackRequest, uint, int> endHolds, IMetricFactory metrics, TimeProvider time)
{
    private readonly Counter _feedback = metrics.CreateCounter(
        "poolhub_feedback_total", "Outcomes recorded, duplicates and unmatched ones left out.", ["outcome"]);
    private readonly UnmatchedCount _unmatched = new(metrics.CreateCounter(
        "poolhub_feedback_unmatched_total", "Outcomes of jobs and miners that no match of the coordinator gave.", ["reason"]));

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/feedback", RecordAsync);

    private async Task RecordAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is not { Coordinator: { } coordinator } caller
            || !await coordinator.Feedback.AdmitAsync(http)
            || await http.ReadJsonAsync(HubJson.Default.FeedbackRequest) is not { } request)
        {
            return;
        }
        if (FindProblem(request) is { } fault)
        {
            await http.Response.BadFieldAsync(fault);
            return;
        }
        if (request.MatchId is { } named && !await credentials.RequireOwnMatchAsync(http, caller, matches.TagOf(named)))
        {
            return;
        }
        bool matched = matches.Gave(coordinator.Tag, request.JobId!, request.MinerId!);
        DateTimeOffset now = time.GetUtcNow();
        var feedback = new StoredFeedback(
            request.JobId!, request.MinerId!, request.Outcome!, request.LatencyMs, request.FailCode, request.TokensSpent, now,
            coordinator.Name, matched);
        try
        {
            TrustReceipt receipt = await trust.RecordAsync(feedback);
            if (!matched)
            {
                (request.MatchId is { } id && matches.IsForgotten(id) ? _unmatched.TooOld : _unmatched.NeverGiven).Inc();
            }
            else if (receipt.Recorded)
            {
                _feedback.WithLabels(feedback.Outcome).Inc();
                recorded(feedback);
            }
            int released = endHolds(request, coordinator.Tag);
            await http.Response.JsonAsync(new FeedbackResponse
            {
                Status = !matched ? "unmatched" : receipt.Recorded ? "recorded" : "duplicate",
                TrustScore = receipt.Score,
                EjectedForSec = receipt.EjectedUntil is { } until ? (int)Math.Ceiling((until - now).TotalSeconds) : null,
                Released = released > 0 ? released : null,
            }, HubJson.Default.FeedbackResponse);
        }
        catch (UnknownMinerException)
        {
            await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "no such miner", "miner_id");
        }
    }

    /// <summary>Both are there from the start, at 0.</summary>
    private sealed class UnmatchedCount(Counter counter)
    {
        public Counter.Child TooOld { get; } = counter.WithLabels("too_old");
        public Counter.Child NeverGiven { get; } = counter.WithLabels("never_given");
    }

    internal static (string Field, string Problem)? FindProblem(FeedbackRequest request)
    {
        if (request.JobId is not { Length: > 0 and <= Limits.JobIdChars } || !Texts.IsPrintable(request.JobId))
        {
            return ("job_id", $"must be 1 to {Limits.JobIdChars} printable characters");
        }
        if (!Texts.IsMinerId(request.MinerId))
        {
            return ("miner_id", Texts.MinerIdRule);
        }
        if (request.MatchId is { } match && (match.Length is 0 or > Limits.MatchIdChars || !Texts.IsPrintable(match)))
        {
            return ("match_id", "must be the match_id of an answer");
        }
        if (!TrustModel.IsOutcome(request.Outcome))
        {
            return ("outcome", "must be accepted, rejected, failed or completed");
        }
        if (request.LatencyMs is < 0 or > Limits.MaxLatencyMs)
        {
            return ("latency_ms", $"must be from 0 to {Limits.MaxLatencyMs}");
        }
        if (request.FailCode is { } code && (code.Length is 0 or > Limits.TermChars || !Texts.IsPrintable(code)))
        {
            return ("fail_code", $"must be 1 to {Limits.TermChars} printable characters");
        }
        return null;
    }
}

/// <summary>What feedback asks of the matches that were made.</summary>
/// <param name="Gave">Whether a match of the coordinator with this tag gave this miner for this job.</param>
/// <param name="TagOf">The coordinator's tag in a match's id; null when it is no such id.</param>
/// <param name="IsForgotten">Whether a match's id is older than what is still known.</param>
internal sealed record PastMatches(Func<uint, string, string, bool> Gave, Func<string, uint?> TagOf, Func<string, bool> IsForgotten);
