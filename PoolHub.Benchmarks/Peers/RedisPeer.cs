using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;

namespace PoolHub.Benchmarks.Peers;

/// <summary>That match in Redis: a set for every term, a hash for every miner, scored by a script.</summary>
internal sealed class RedisPeer : IDisposable
{
    private const int MembersTogether = 1_000;
    private const string Ranked = "ranked";

    private const string Script = """
        local top = {}
        for _, id in ipairs(redis.call('SINTER', KEYS[1], KEYS[2], KEYS[3], KEYS[4])) do
          local f = redis.call('HMGET', id, 'vram', 'ram', 'price', 'max', 'load', 'rtt', 'service', 'latency', 'trust', 'degraded')
          local price, max, load = tonumber(f[3]), tonumber(f[4]), tonumber(f[5])
          if tonumber(f[1]) >= tonumber(ARGV[1]) and tonumber(f[2]) >= tonumber(ARGV[2]) and price <= tonumber(ARGV[3]) and load < max
              and (f[7] == '' or tonumber(f[6]) + tonumber(f[7]) * (1 + load / max) <= tonumber(ARGV[4]))
              and (redis.call('SISMEMBER', KEYS[5], id) == 1 or redis.call('SISMEMBER', KEYS[6], id) == 1) then
            local score = 0.4 + 0.2 * (1 - price / tonumber(ARGV[3])) + 0.2 * tonumber(f[8]) + 0.15 * tonumber(f[9]) + 0.05 * (max - load) / (max + 1)
            if f[10] == '1' then score = score - 2 end
            local at = #top + 1
            while at > 1 and top[at - 1][2] < score do at = at - 1 end
            if at <= 3 then
              table.insert(top, at, {id, score})
              top[4] = nil
            end
          end
        end
        local answer = {}
        for _, place in ipairs(top) do
          local f = redis.call('HMGET', place[1], 'addr', 'proto', 'price')
          answer[#answer + 1] = {place[1], f[1], f[2], f[3], tostring(place[2])}
        end
        return answer
        """;

    /// <summary>The best three of all, with what a coordinator needs of them.</summary>
    private const string RankedScript = """
        local answer = {}
        local top = redis.call('ZRANGE', KEYS[1], 0, 2, 'REV', 'WITHSCORES')
        for i = 1, #top, 2 do
          local f = redis.call('HMGET', top[i], 'addr', 'proto', 'price')
          answer[#answer + 1] = {top[i], f[1], f[2], f[3], top[i + 1]}
        end
        return answer
        """;

    private readonly ServerProcess _server;

    private RedisPeer(ServerProcess server) => _server = server;

    /// <exception cref="FileNotFoundException">It is not installed.</exception>
    public static async Task<RedisPeer> StartAsync(List<PeerMiner> fleet)
    {
        var peer = new RedisPeer(await RedisServer.StartAsync());
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
    public Task<Child> LoadAsync() => LoadAsync(RedisDialect.Command(
        "EVALSHA", Sha(Script), "6", "region:eu", "accel:cuda", "cap:task:image_embedding", $"cap:{FleetGenerator.ExampleModel}",
        "tag:eu-west", "tag:low-latency", "8", "8", "0.8", "5000"));

    /// <summary>A pre-ranked sorted set, deaf to what the request asks.</summary>
    public Task<Child> LoadRankedAsync() => LoadAsync(RedisDialect.Command("EVALSHA", Sha(RankedScript), "1", Ranked));

    /// <summary>Nothing but the ids of the best ranked: where to send the job, and for what price, must be asked next.</summary>
    public Task<Child> LoadRankedIdsAsync() => LoadAsync(RedisDialect.Command("ZRANGE", Ranked, "0", "2", "REV"));

    public void Dispose() => _server.Dispose();

    private string Sha(string script)
    {
        byte[] loaded = LoadChild.Ask(new RedisDialect(), _server.Port, RedisDialect.Command("SCRIPT", "LOAD", script));
        return Encoding.ASCII.GetString(loaded).Split("\r\n")[1];
    }

    private async Task<Child> LoadAsync(byte[] command)
    {
        PeerFleet.Check("Redis", LoadChild.Ask(new RedisDialect(), _server.Port, command));
        return await PeerFleet.LoadAsync("redis", _server.Port, greeting: null, command);
    }

    private async Task FillAsync(List<PeerMiner> fleet)
    {
        List<byte[]> commands = [.. fleet.Select(Hash)];
        var sets = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (PeerMiner peer in fleet.Where(peer => peer.Miner.Available))
        {
            foreach (string key in Keys(peer))
            {
                (sets.TryGetValue(key, out List<string>? members) ? members : sets[key] = []).Add(peer.Miner.Id);
            }
        }
        commands.AddRange(sets.SelectMany(set => set.Value.Chunk(MembersTogether).Select(ids => RedisDialect.Command(["SADD", set.Key, .. ids]))));
        commands.AddRange(fleet.Chunk(MembersTogether).Select(peers => RedisDialect.Command(
            ["ZADD", Ranked, .. peers.SelectMany(peer => new[] { PeerFleet.Text(peer.Score), peer.Miner.Id })])));
        await SendAllAsync(commands);
    }

    private static IEnumerable<string> Keys(PeerMiner peer) =>
    [
        .. peer.Regions.Select(region => $"region:{region}"),
        .. peer.Miner.Profile.Accel.Select(accel => $"accel:{accel}"),
        .. peer.Miner.Profile.Capabilities.Select(capability => $"cap:{capability}"),
        .. peer.Miner.Profile.Tags.Select(tag => $"tag:{tag}"),
    ];

    private static byte[] Hash(PeerMiner peer)
    {
        FleetMiner miner = peer.Miner;
        return RedisDialect.Command(
            "HSET", miner.Id, "addr", miner.Profile.Addr, "proto", miner.Profile.Proto, "vram", PeerFleet.Text(miner.Profile.GpuVramGb),
            "ram", PeerFleet.Text(miner.Profile.RamGb), "price", miner.Profile.Price.ToString(), "max", $"{miner.Profile.MaxParallel}",
            "load", $"{miner.Load}", "rtt", $"{Math.Max(miner.RttMs, 0)}",
            "service", miner.ServiceMs < 0 ? "" : miner.ServiceMs.ToString(CultureInfo.InvariantCulture),
            "latency", PeerFleet.Text(peer.LatencyNorm), "trust", PeerFleet.Text(PeerFleet.Trust), "degraded", miner.Degraded ? "1" : "0");
    }

    /// <summary>Sends without waiting for answers, and takes those meanwhile; each is one line.</summary>
    private async Task SendAllAsync(List<byte[]> commands)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _server.Port);
        Task sending = Task.Run(() => commands.ForEach(command => socket.Send(command)));
        byte[] received = new byte[65_536];
        for (int answers = 0; answers < commands.Count;)
        {
            int read = await socket.ReceiveAsync(received);
            if (read == 0 || received.AsSpan(0, read).Contains((byte)'-'))
            {
                throw new InvalidDataException($"Redis did not take the fleet: {Encoding.UTF8.GetString(received, 0, read)}");
            }
            answers += received.AsSpan(0, read).Count((byte)'\n');
        }
        await sending;
    }
}
