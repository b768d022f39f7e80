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
/// <param name="tagOf">Whose a match is, by its id.</param>
/// <param name="recorded">Told of every outcome that was not a duplicate.</param>
/// <param name="endHolds">
/// Ends the holds of the coordinator with this tag that a report makes needless, duplicates as well; returns how many.
/// </param>
/// <param name="metrics">Where they are counted.</param>
/// <param name="time">When they came.</param>
internal sealed class FeedbackEndpoint(
    TrustBook trust, Credentials credentials, Func<string, uint?> tagOf, Action<StoredFeedback> recorded,
    Func<FeedbackRequest, uint, int> endHolds, IMetricFactory metrics, TimeProvider time)
{
    private readonly Counter _feedback = metrics.CreateCounter("poolhub_feedback_total", "Outcomes recorded, duplicates left out.", ["outcome"]);

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
        // First: what another reports would make its maker's own report a duplicate.
        if (!await credentials.RequireOwnMatchAsync(http, caller, request.MatchId is { } matchId ? tagOf(matchId) : null))
        {
            return;
        }
        DateTimeOffset now = time.GetUtcNow();
        var feedback = new StoredFeedback(
            request.JobId!, request.MinerId!, request.Outcome!, request.LatencyMs, request.FailCode, request.TokensSpent, now);
        try
        {
            TrustReceipt receipt = await trust.RecordAsync(feedback);
            if (receipt.Recorded)
            {
                _feedback.WithLabels(feedback.Outcome).Inc();
                recorded(feedback);
            }
            int released = endHolds(request, coordinator.Tag);
            await http.Response.JsonAsync(new FeedbackResponse
            {
                Status = receipt.Recorded ? "recorded" : "duplicate",
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
