using System.Globalization;
using System.Text;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Protocol;

namespace PoolHub.Benchmarks.Peers;

/// <summary>That match as a query of PostgreSQL: a flat table, GIN on jsonb, ORDER BY the score.</summary>
internal sealed class PostgresPeer : IDisposable
{
    private const string Select = """
        SELECT miner_id, addr, proto, price,
            0.4 + 0.2 * (1 - price / $8::float8) + 0.2 * latency_norm + 0.15 * trust
                + 0.05 * (max_parallel - queue_len) / (max_parallel + 1.0::float8) AS score
        FROM miners
        WHERE available AND (region = $1 OR region LIKE $2) AND accel ?| $3::text[] AND capabilities ? $4
            AND capabilities ?| $5::text[] AND tags ?| $6::text[] AND gpu_vram_gb >= $7::float8 AND ram_gb >= $9::float8
            AND price <= $8::float8 AND queue_len < max_parallel
            AND (service_ms IS NULL OR rtt_ms + service_ms * (1 + queue_len / max_parallel::float8) <= $10::float8)
        ORDER BY degraded, score DESC LIMIT 3
        """;

    /// <summary>Deaf to what the request asks.</summary>
    private const string SelectStored = "SELECT miner_id, addr, proto, price, score FROM miners ORDER BY score DESC LIMIT 3";

    private readonly PostgresServer _server;

    private PostgresPeer(PostgresServer server) => _server = server;

    /// <exception cref="FileNotFoundException">It is not installed.</exception>
    public static async Task<PostgresPeer> StartAsync(List<PeerMiner> fleet)
    {
        var peer = new PostgresPeer(await PostgresServer.StartAsync("fsync=off"));
        try
        {
            await peer.FillAsync(fleet);
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>Everything that the request asks.</summary>
    public Task<Child> LoadAsync() => LoadAsync(Select,
        "eu", "eu-%", "{cuda}", "task:image_embedding", $"{{{FleetGenerator.ExampleModel}}}", "{eu-west,low-latency}", "8", "0.8", "8", "5000");

    /// <summary>A stored score behind a plain index.</summary>
    public Task<Child> LoadStoredAsync() => LoadAsync(SelectStored);

    public void Dispose() => _server.Dispose();

    private async Task<Child> LoadAsync(string sql, params string[] parameters)
    {
        byte[] startup = PostgresDialect.Startup(PostgresServer.User, PostgresServer.Database);
        byte[] prepare = PostgresDialect.Prepare(sql);
        byte[] execute = PostgresDialect.Execute(parameters);
        PeerFleet.Check("PostgreSQL", LoadChild.Ask(new PostgresDialect(), _server.Port, startup, prepare, execute));
        return await PeerFleet.LoadAsync("postgres", _server.Port, Greetings.Join(startup, prepare), execute);
    }

    private async Task FillAsync(List<PeerMiner> fleet)
    {
        string file = Path.Combine(_server.Directory, "miners.tsv");
        await File.WriteAllLinesAsync(file, fleet.Select(Line));
        _server.Run(
            """
            CREATE TABLE miners (miner_id text PRIMARY KEY, addr text, proto text, region text, gpu_vram_gb float8, ram_gb float8,
                price float8, max_parallel int, queue_len int, rtt_ms int, service_ms int, trust float8, latency_norm float8,
                degraded bool, available bool, accel jsonb, tags jsonb, capabilities jsonb, score float8)
            """,
            $"COPY miners FROM '{file}'",
            "CREATE INDEX idx_miners_region_caps_gte_vram ON miners USING gin (capabilities, tags) WHERE available",
            "CREATE INDEX ON miners (score DESC)",
            "VACUUM ANALYZE miners");
    }

    private static string Line(PeerMiner peer)
    {
        FleetMiner miner = peer.Miner;
        MinerProfile profile = miner.Profile;
        string[] fields =
        [
            miner.Id, profile.Addr, profile.Proto, profile.Region, PeerFleet.Text(profile.GpuVramGb), PeerFleet.Text(profile.RamGb),
            profile.Price.ToString(), $"{profile.MaxParallel}", $"{miner.Load}", $"{Math.Max(miner.RttMs, 0)}",
            miner.ServiceMs < 0 ? "\\N" : miner.ServiceMs.ToString(CultureInfo.InvariantCulture), PeerFleet.Text(PeerFleet.Trust),
            PeerFleet.Text(peer.LatencyNorm), miner.Degraded ? "t" : "f", miner.Available ? "t" : "f",
            Json(profile.Accel), Json(profile.Tags), Json(profile.Capabilities), PeerFleet.Text(peer.Score),
        ];
        return string.Join('\t', fields);
    }

    /// <summary>The generator's terms need no escapes.</summary>
    private static string Json(string[] terms) => new StringBuilder("[").AppendJoin(',', terms.Select(term => $"\"{term}\"")).Append(']').ToString();
}
