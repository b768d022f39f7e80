using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Http;

namespace PoolHub.Benchmarks.Fleets;

/// <summary>The few things that the benchmarks do with an index, as the registry does them.</summary>
internal static class FleetIndex
{
    /// <summary>An index of a whole fleet, as of one that was stored.</summary>
    public static MatchIndex Build(FleetMiner[] fleet) => Build(fleet, out _);

    /// <param name="fleet">The fleet.</param>
    /// <param name="slots">Where its miners are.</param>
    public static MatchIndex Build(FleetMiner[] fleet, out int[] slots)
    {
        var index = new MatchIndex(TimeProvider.System);
        slots = index.AddAll(Array.ConvertAll(fleet, miner => new Newcomer(
            miner.Id, miner.Profile, miner.Profile.Price, miner.Degraded, miner.Available, miner.Trust, miner.Load, miner.RttMs, miner.ServiceMs)));
        return index;
    }

    public static int Add(MatchIndex index, FleetMiner miner)
    {
        int slot = index.Add(miner.Id, miner.Profile, miner.Degraded, miner.Available, miner.Trust);
        Beat(index, slot, miner.Load, miner.ServiceMs);
        index.SetRtt(slot, miner.RttMs);
        return slot;
    }

    /// <summary>What a heartbeat writes.</summary>
    public static void Beat(MatchIndex index, int slot, int load, int serviceMs)
    {
        index.SetLoad(slot, load);
        index.SetServiceMs(slot, serviceMs);
    }

    /// <summary>What the sweep does once a second.</summary>
    public static void Refresh(MatchIndex index) => index.RefreshLatencyRanks();

    public static MatchQuery Query(MatchRequest request) =>
        MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out (string Field, string Problem)? fault)
            ? query
            : throw new InvalidOperationException($"{fault.Value.Field} {fault.Value.Problem}");

    /// <summary>The share of the fleet that passed every clause.</summary>
    public static double Passed(MatchQuery query, MatchResult result)
    {
        Clause last = Clauses.All.Last(query.Asks);
        return (double)result.Left(last) / Math.Max(1, result.Left(Clause.Online));
    }
}
