using System.Globalization;
using System.Text;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;

namespace PoolHub.Benchmarks.Peers;

/// <summary>A miner as a table has it, with what the hub works out beforehand worked out for the table as well.</summary>
/// <param name="LatencyNorm">Its place among the latencies of its region; no query has to rank.</param>
/// <param name="Score">For those who sort once and then answer everybody alike.</param>
internal sealed record PeerMiner(FleetMiner Miner, double LatencyNorm, double Score)
{
    /// <summary>eu, eu-west and eu-west-1.</summary>
    public IEnumerable<string> Regions
    {
        get
        {
            string region = Miner.Profile.Region;
            return Enumerable.Range(1, region.Length).Where(end => end == region.Length || region[end] == '-').Select(end => region[..end]);
        }
    }
}

internal static class PeerFleet
{
    /// <summary>What the hub gives a miner of which it has learnt nothing.</summary>
    public const double Trust = 0.5;

    public static List<PeerMiner> Of(FleetMiner[] fleet) => [.. fleet.GroupBy(miner => miner.Profile.Region).SelectMany(region =>
    {
        FleetMiner[] known = [.. region.Where(miner => miner.RttMs >= 0).OrderBy(miner => miner.RttMs)];
        return known.Select((miner, place) => Rate(miner, 1 - ((place + 0.5) / known.Length)))
            .Concat(region.Where(miner => miner.RttMs < 0).Select(miner => Rate(miner, 0.5)));
    })];

    public static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>How many miners an answer names.</summary>
    /// <exception cref="InvalidDataException">Not three.</exception>
    public static void Check(string peer, byte[] answer)
    {
        int miners = Encoding.UTF8.GetString(answer).Split("miner-").Length - 1;
        if (miners != Requests.Example.TopK)
        {
            throw new InvalidDataException($"{peer} named {miners} miners");
        }
    }

    /// <summary>Starts a closed loop of one request on as many connections as the hub gets.</summary>
    public static async Task<Child> LoadAsync(string dialect, int port, byte[]? greeting, byte[] request)
    {
        using var files = new RequestFiles(request, greeting ?? []);
        return await Child.StartAsync(
            LoadChild.Name, dialect, $"{port}", $"{PeerScenario.Connections}", greeting is null ? "-" : files.Paths[1], files.Paths[0]);
    }

    private static PeerMiner Rate(FleetMiner miner, double latencyNorm)
    {
        double price = Math.Max(0, 1 - ((double)miner.Profile.Price.Tokens / 2));
        double load = Math.Max(0, miner.Profile.MaxParallel - miner.Load) / (miner.Profile.MaxParallel + 1.0);
        return new PeerMiner(miner, latencyNorm, 0.4 + (0.2 * price) + (0.2 * latencyNorm) + (0.15 * Trust) + (0.05 * load));
    }
}
