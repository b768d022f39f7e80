using CsCheck;
using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

/// <summary>Random lives of a few miners, told to the registry and to the reference alike.</summary>
public sealed class RegistryReferenceTests
{
    private const int Miners = 5;
    private const int LeaseSec = 6;
    private const int GraceSec = 13;

    private static readonly Gen<Step> s_step = Gen.Select(
        Gen.Frequency((8, Gen.Const(Act.Pass)), (6, Gen.Const(Act.Speak)), (2, Gen.Const(Act.Register)), (2, Gen.Const(Act.Greet)),
            (2, Gen.Const(Act.Drop)), (1, Gen.Const(Act.Leave)), (2, Gen.Const(Act.SpeakLate)), (1, Gen.Const(Act.DropLate))),
        Gen.Int[0, Miners - 1],
        Gen.Int[1, 16],
        (act, miner, quarters) => new Step(act, miner, quarters));

    private enum Act
    {
        Pass,
        Speak,
        Register,
        Greet,
        Drop,
        Leave,

        /// <summary>By a session that is over.</summary>
        SpeakLate,
        DropLate,
    }

    [Fact]
    public Task States_of_random_lives_are_those_of_the_reference() => s_step.Array[0, 120].SampleAsync(LiveAsync, iter: 400);

    private static async Task LiveAsync(Step[] steps)
    {
        var house = new RegistryHouse(new RegistryOptions(LeaseSec, GraceSec, GuardSec: 0));
        ReferenceMiner[] references = [.. Enumerable.Range(0, Miners).Select(_ => new ReferenceMiner(LeaseSec, GraceSec))];
        double now = 0;
        foreach (Step step in steps)
        {
            if (step.Act == Act.Pass)
            {
                now += step.Quarters / 4.0;
                house.Time.Advance(TimeSpan.FromSeconds(step.Quarters / 4.0));
                house.Registry.Sweep();
                Array.ForEach(references, reference => reference.Sweep(now));
                Assert.Equal(references.Count(r => r.State == LeaseState.Online), house.Registry.OnlineCount);
                Assert.Equal(references.Count(r => r.State == LeaseState.Degraded), house.Registry.DegradedCount);
            }
            else
            {
                await ActAsync(house.Registry, $"m{step.Miner}", references[step.Miner], step.Act, now);
            }
            AssertAlike(house, references);
        }
    }

    private static async Task ActAsync(MinerRegistry registry, string id, ReferenceMiner reference, Act act, double now)
    {
        if (act is Act.Register or Act.Greet)
        {
            (Miner begun, long session) = registry.BeginSession(id);
            reference.Begin(session);
            if (act == Act.Register)
            {
                Assert.True(await registry.RegisterAsync(begun, session, RegistryHouse.Profile, claim: null));
                reference.Register(now);
            }
            else
            {
                Assert.False(registry.Renew(begun, session));
            }
            return;
        }
        if (registry.Find(id) is not { } miner)
        {
            return;
        }
        long epoch = reference.Session ?? miner.Epoch - 1;
        switch (act)
        {
            case Act.Speak:
                Assert.Equal(reference.IsRegistered, registry.Report(miner, epoch, new MinerReport(0)));
                reference.Speak(now);
                break;
            case Act.Drop:
                registry.Drop(miner, epoch);
                reference.Drop();
                break;
            case Act.Leave:
                await registry.LeaveAsync(miner, epoch);
                reference.Leave();
                break;
            case Act.SpeakLate:
                Assert.False(registry.Report(miner, epoch - 1, new MinerReport(0)));
                break;
            default:
                registry.Drop(miner, epoch - 1);
                break;
        }
    }

    private static void AssertAlike(RegistryHouse house, ReferenceMiner[] references)
    {
        Dictionary<string, bool> offered = house.Offered();
        for (int i = 0; i < references.Length; i++)
        {
            string id = $"m{i}";
            LeaseState expected = references[i].State;
            Assert.Equal(expected, house.Registry.Find(id)?.State ?? LeaseState.Offline);
            Assert.Equal(expected != LeaseState.Offline, offered.TryGetValue(id, out bool degraded));
            Assert.Equal(expected == LeaseState.Degraded, degraded);
        }
        Assert.Equal(offered.Count, house.Index.Count);
    }

    private sealed record Step(Act Act, int Miner, int Quarters);
}
