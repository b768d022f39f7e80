using Prometheus;

namespace PoolHub.Daemon.Matching;

internal sealed class MatchMetrics
{
    private readonly Histogram _latency;
    private readonly Counter.Child _found;
    private readonly Counter.Child _nobody;
    private readonly Counter.Child[] _rejections;

    public MatchMetrics(IMetricFactory factory)
    {
        _latency = factory.CreateHistogram("poolhub_match_latency_ms", "Time to work out the answer to a match.", new HistogramConfiguration
        {
            Buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250],
        });
        Counter matches = factory.CreateCounter("poolhub_match_total", "Match requests answered.", ["result"]);
        (_found, _nobody) = (matches.WithLabels("found"), matches.WithLabels("nobody"));
        Counter rejections = factory.CreateCounter(
            "poolhub_match_rejections_total", "Miners that a clause has ruled out, over all matches.", ["clause"]);
        _rejections = [.. Clauses.All.Select(c => rejections.WithLabels(c.Name()))];
    }

    /// <summary>Matches answered since the start.</summary>
    public long Count => (long)(_found.Value + _nobody.Value);

    public void Matched(MatchQuery query, MatchResult result, TimeSpan took)
    {
        _latency.Observe(took.TotalMilliseconds);
        (result.Candidates.IsEmpty ? _nobody : _found).Inc();
        int before = result.Left(Clause.Online);
        for (var clause = Clause.Available; clause <= Clause.DeadlineMs; clause++)
        {
            if (query.Asks(clause))
            {
                int left = result.Left(clause);
                if (left < before)
                {
                    _rejections[(int)clause].Inc(before - left);
                }
                before = left;
            }
        }
    }
}
