using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

/// <summary>An index and the reference, told the same, and random things to tell them.</summary>
internal sealed class TwinFleet(int seed)
{
    private static readonly string[] Regions =
        ["", "eu", "eu-west", "eu-west-1", "eu-west-2", "eu-north", "europe", "us-east-1", "us"];
    private static readonly string[] Accels = ["cuda", "rocm", "metal", "cpu"];
    private static readonly string[] Tags = ["low-latency", "spot", "eu-west", "nvlink", "quiet"];
    private static readonly string[] Capabilities = ["task:embed", "task:chat", "all-MiniLM", "llama", "whisper", "sdxl", "bge"];
    private static readonly string[] Owners = ["", "acme", "borealis", "eu"];
    private static readonly double[] Sizes = [0, 7.1, 8, 8.000000001, 16, 24, 24.5, 80];

    private readonly Random _random = new(seed);
    private readonly Dictionary<ReferenceMiner, int> _slots = [];
    private readonly MatchResult _result = new();
    private readonly Dictionary<string, int> _slotsById = [];
    private int _lastId;

    public MatchIndex Index { get; } = new(new FakeTimeProvider());
    public ReferenceFleet Reference { get; } = new();

    /// <summary>A fleet of this size, some of them added at once, every miner with a heartbeat.</summary>
    public static TwinFleet Create(int size, int seed)
    {
        var fleet = new TwinFleet(seed);
        int alone = fleet._random.Next(size + 1);
        int together = fleet._random.Next(size - alone + 1);
        for (int i = 0; i < alone; i++)
        {
            fleet.Add();
        }
        fleet.AddAll(together);
        fleet.AddAll(size - alone - together);
        foreach (ReferenceMiner miner in fleet.Reference.Miners)
        {
            fleet.Beat(miner);
        }
        fleet.RefreshLatencyRanks();
        return fleet;
    }

    public int HighestSlot => _slots.Values.DefaultIfEmpty(-1).Max();

    public int Slot(ReferenceMiner miner) => _slots[miner];

    public void Add() => Add(NextProfile(), degraded: _random.Next(4) == 0, available: _random.Next(8) != 0, NextTrust());

    public ReferenceMiner Add(MinerProfile profile, bool degraded = false, bool available = true, double trust = 0.5, string? id = null)
    {
        var miner = new ReferenceMiner
        {
            Id = id ?? $"miner-{_lastId++}",
            Profile = profile,
            Price = profile.Price,
            Degraded = degraded,
            Available = available,
            Trust = trust,
        };
        Index.SlotOf = minerId => _slotsById.GetValueOrDefault(minerId, -1);
        Reference.Miners.Add(miner);
        _slots[miner] = _slotsById[miner.Id] = Index.Add(miner.Id, profile, degraded, available, trust);
        return miner;
    }

    /// <summary>Adds so many at once, with all that is known of them; ranks are refreshed.</summary>
    public void AddAll(int count)
    {
        ReferenceMiner[] miners = new ReferenceMiner[count];
        foreach (ref ReferenceMiner miner in miners.AsSpan())
        {
            MinerProfile profile = NextProfile();
            miner = new ReferenceMiner
            {
                Id = $"miner-{_lastId++}",
                Profile = profile,
                Price = _random.Next(4) == 0 ? NextPrice() : profile.Price,
                Degraded = _random.Next(4) == 0,
                Available = _random.Next(8) != 0,
                Trust = NextTrust(),
                Load = _random.Next(5),
                RttMs = NextRtt(),
                ServiceMs = NextServiceMs(),
            };
        }
        Reference.Miners.AddRange(miners);
        int[] slots = Index.AddAll(Array.ConvertAll(miners, miner => new Newcomer(
            miner.Id, miner.Profile, miner.Price, miner.Degraded, miner.Available, miner.Trust, miner.Load, miner.RttMs, miner.ServiceMs)));
        for (int i = 0; i < count; i++)
        {
            _slots[miners[i]] = _slotsById[miners[i].Id] = slots[i];
        }
        Index.SlotOf = minerId => _slotsById.GetValueOrDefault(minerId, -1);
        Reference.RefreshLatencyRanks();
    }

    public void Replace(ReferenceMiner miner, MinerProfile profile)
    {
        if (miner.Profile.Region != profile.Region)
        {
            miner.LatencyNorm = 0.5;
        }
        (miner.Profile, miner.Price) = (profile, profile.Price);
        Index.Replace(Slot(miner), profile);
    }

    public void Remove(ReferenceMiner miner)
    {
        Reference.Miners.Remove(miner);
        Index.Remove(Slot(miner));
        _slots.Remove(miner);
        _slotsById.Remove(miner.Id);
    }

    public void Beat(ReferenceMiner miner, int load, int rttMs, int serviceMs)
    {
        (miner.Load, miner.RttMs, miner.ServiceMs) = (load, rttMs, serviceMs);
        Index.SetLoad(Slot(miner), load);
        Index.SetRtt(Slot(miner), rttMs);
        Index.SetServiceMs(Slot(miner), serviceMs);
    }

    public void Beat(ReferenceMiner miner) => Beat(miner, _random.Next(5), NextRtt(), NextServiceMs());

    public int NextRtt() => _random.Next(4) switch
    {
        0 => -1,
        1 => _random.Next(8),
        2 => _random.Next(120, 300),
        _ => _random.Next(5_000_000),
    };

    public int NextServiceMs() => _random.Next(3) == 0 ? -1 : _random.Next(2_000);

    public void RefreshLatencyRanks()
    {
        Reference.RefreshLatencyRanks();
        Index.RefreshLatencyRanks();
    }

    /// <summary>Anything that can happen to a fleet, registration or heartbeat.</summary>
    public void Disturb()
    {
        if (Reference.Miners.Count == 0)
        {
            Add();
            return;
        }
        ReferenceMiner miner = Reference.Miners[_random.Next(Reference.Miners.Count)];
        switch (_random.Next(13))
        {
            case 0: Add(); break;
            case 1: Remove(miner); break;
            case 2: Replace(miner, NextProfile()); break;
            case 3: Index.SetPrice(Slot(miner), miner.Price = NextPrice()); break;
            case 4: Index.SetTrust(Slot(miner), miner.Trust = NextTrust()); break;
            case 5: Index.SetAvailable(Slot(miner), miner.Available = !miner.Available); break;
            case 6: Index.SetDegraded(Slot(miner), miner.Degraded = !miner.Degraded); break;
            case 7: RefreshLatencyRanks(); break;
            case 8: Index.Held.Set(Slot(miner), miner.Id, miner.Held = _random.Next(4)); break;
            default: Beat(miner); break;
        }
    }

    /// <summary>Asks both and compares everything, doubles bit for bit. Returns the candidates.</summary>
    public ReadOnlySpan<MatchCandidate> AssertSameAnswer(MatchRequest request)
    {
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault), $"{fault}");
        Index.Match(query, _result);
        MatchResponse actual = WrittenAnswer.Of(query, _result);
        ReferenceAnswer expected = Reference.Match(request, Weights(request.Weights));

        Assert.Equal(expected.Clauses, actual.Clauses);
        Assert.Equal(expected.Places.Select(place => place.Miner.Id), actual.Candidates.Select(candidate => candidate.MinerId));
        for (int i = 0; i < expected.Places.Count; i++)
        {
            ReferencePlace place = expected.Places[i];
            MatchCandidate candidate = _result.Candidates[i];
            Assert.Equal(
                (place.Score, place.Cap, place.Price, place.Latency, place.Trust, place.LoadNorm),
                (candidate.Score, candidate.CapFit, candidate.PriceNorm, candidate.LatencyNorm, candidate.Trust, candidate.LoadNorm));
            Assert.Equal(
                (place.Miner.Price, place.Miner.Degraded, place.Free, place.Miner.Taken, place.Miner.RttMs),
                (candidate.Price, candidate.Degraded, candidate.Free, candidate.Load, candidate.RttMs));
            Assert.Equal(place.EtaMs, actual.Candidates[i].EtaMs);
            Assert.Equal(Slot(place.Miner), candidate.Slot);
        }
        return _result.Candidates;
    }

    public MatchRequest NextRequest() => new()
    {
        JobId = $"job-{_random.Next(1000)}",
        Requirements = _random.Next(5) == 0 ? null : new MatchRequirements
        {
            Task = Seldom("embed", "chat", "unheard"),
            MinVramGb = _random.Next(2) == 0 ? Sizes[_random.Next(Sizes.Length)] : null,
            MinRamGb = _random.Next(3) == 0 ? Sizes[_random.Next(Sizes.Length)] : null,
            Accel = NextListOrNull(Accels, "tpu"),
            TagsAny = NextListOrNull(Tags, "unheard"),
            CapabilitiesAny = NextListOrNull(Capabilities, "unheard"),
        },
        Hints = _random.Next(4) == 0 ? null : new MatchHints
        {
            Region = Seldom([.. Regions, "us-east", "mars"]),
            MaxPrice = _random.Next(2) == 0 ? NextPrice() : null,
            DeadlineMs = _random.Next(3) == 0 ? _random.Next(1, 6_000) : null,
        },
        TopK = _random.Next(4) switch { 0 => null, 1 => 1, 2 => 100, _ => _random.Next(1, 20) },
        Weights = Seldom("default", "cheapest", "fastest", "spread"),
        Exclude = _random.Next(3) != 0 ? null : [.. Enumerable.Range(0, _random.Next(20)).Select(_ => $"miner-{_random.Next(_lastId + 5)}")],
        SpreadBy = Seldom("region", "owner"),
    };

    public MinerProfile NextProfile() => new()
    {
        Addr = "10.0.0.1:9000",
        Proto = "grpc",
        GpuVramGb = Sizes[_random.Next(Sizes.Length)],
        RamGb = Sizes[_random.Next(Sizes.Length)],
        Price = NextPrice(),
        MaxParallel = _random.Next(1, 5),
        Region = Regions[_random.Next(Regions.Length)],
        Accel = NextList(Accels),
        Tags = NextList(Tags),
        Capabilities = NextList(Capabilities),
        Owner = Owners[_random.Next(Owners.Length)],
    };

    public static double[] Weights(string? profile) => profile switch
    {
        "cheapest" => [0.1, 0.7, 0.05, 0.1, 0.05],
        "fastest" => [0.1, 0.05, 0.6, 0.1, 0.15],
        "spread" => [0.1, 0.1, 0.1, 0.1, 0.6],
        _ => [0.4, 0.2, 0.2, 0.15, 0.05],
    };

    private TokenPrice NextPrice() => new(_random.Next(6) * 10_000_000L);

    private double NextTrust() => _random.Next(5) / 4.0;

    /// <summary>May hold a term twice.</summary>
    private string[] NextList(string[] from) =>
        [.. Enumerable.Range(0, _random.Next(4)).Select(_ => from[_random.Next(from.Length)])];

    private string[]? NextListOrNull(string[] from, string unheard) =>
        _random.Next(3) != 0 ? null : [.. NextList(from), .. _random.Next(4) == 0 ? [unheard] : Array.Empty<string>()];

    private string? Seldom(params string[] from) => _random.Next(3) != 0 ? null : from[_random.Next(from.Length)];
}
