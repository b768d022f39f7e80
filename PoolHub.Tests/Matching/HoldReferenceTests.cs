using CsCheck;
using PoolHub.Daemon.Matching;

namespace PoolHub.Tests.Matching;

/// <summary>Random lives of holds, told to the book and to a plain list of holds alike.</summary>
public sealed class HoldReferenceTests
{
    private const int Miners = 4;
    private const int Jobs = 3;

    private static readonly Gen<Step> s_step = Gen.Select(
        Gen.Frequency((8, Gen.Const(Act.Hold)), (3, Gen.Const(Act.Release)), (2, Gen.Const(Act.Renew)), (3, Gen.Const(Act.Feedback)),
            (3, Gen.Const(Act.Pass)), (3, Gen.Const(Act.Beat)), (1, Gen.Const(Act.ComeOrGo)), (1, Gen.Const(Act.RegisterAnew)), (1, Gen.Const(Act.Retag))),
        Gen.Int[0, Miners - 1],
        Gen.Int[0, 30],
        Gen.Bool,
        (act, miner, number, flag) => new Step(act, miner, number, flag));

    private enum Act
    {
        Hold,
        Release,
        Renew,
        Feedback,
        Pass,
        Beat,
        ComeOrGo,
        RegisterAnew,
        Retag,
    }

    [Fact]
    public void Holds_of_random_lives_are_those_of_the_reference() => s_step.Array[0, 80].Sample(steps => new Life().Run(steps), iter: 1_500);

    private sealed record Step(Act Act, int Miner, int Number, bool Flag);

    private sealed class ListedHold
    {
        public required int Match { get; init; }
        public required string Job { get; init; }
        public required string Miner { get; init; }
        public required int HoldMs { get; init; }
        public required long ExpiresAt { get; set; }
        public bool Live { get; set; } = true;
    }

    /// <summary>What the book should know, as a list that is searched from end to end.</summary>
    private sealed class Life
    {
        private readonly HoldHouse _house = new();
        private readonly Dictionary<string, (int MaxParallel, int Load)> _present = [];
        private readonly List<ListedHold> _holds = [];
        private readonly List<string> _matches = [];
        private long _now;

        public void Run(Step[] steps)
        {
            foreach (Step step in steps)
            {
                Do(step, $"m{step.Miner}");
                foreach (ListedHold hold in _holds.Where(h => h.ExpiresAt <= _now))
                {
                    hold.Live = false;
                }
                AssertAlike();
            }
            _house.Pass(1_000_000);
            _house.Book.EndExpired();
            Assert.Equal((0, (long)_holds.Count), (_house.Book.Live, _house.AllEnded));
            Assert.All(_present.Keys, miner => Assert.Equal(0, _house.Held(miner)));
        }

        private void Do(Step step, string miner)
        {
            string job = $"j{step.Number % Jobs}";
            switch (step.Act)
            {
                case Act.Hold: Hold(job, topK: 1 + (step.Number % 3), holdMs: 1 + (step.Number * 10)); break;
                case Act.Release: Release(step.Number, step.Flag ? miner : null); break;
                case Act.Renew: Renew(step.Number, step.Flag ? miner : null, step.Miner % 2 == 0 ? null : 1 + (step.Number * 7)); break;
                case Act.Feedback: Feedback(step.Number, job, miner, taken: step.Miner % 2 == 0, named: step.Flag); break;
                case Act.Pass: _now += step.Number * 10; _house.Pass(step.Number * 10); break;
                case Act.ComeOrGo when !_present.ContainsKey(miner): Come(miner, 1 + (step.Number % 3)); break;
                case Act.ComeOrGo: Go(miner); break;
                case Act.Beat when _present.TryGetValue(miner, out var said): Beat(miner, said.MaxParallel, step.Number % 4); break;
                case Act.RegisterAnew when _present.TryGetValue(miner, out var said): RegisterAnew(miner, 1 + (step.Number % 3), said.Load); break;
                case Act.Retag when _present.TryGetValue(miner, out var said):
                    _house.Index.Replace(_house.Slot(miner), HoldHouse.Profile(said.MaxParallel) with { Tags = [$"t{step.Number}"] });
                    break;
                default: break;
            }
        }

        /// <summary>Which of those with a slot free are chosen is the scoring's affair: here only that as many are as can be.</summary>
        private void Hold(string job, int topK, int holdMs)
        {
            // A job that is held for is not held for twice.
            if (_holds.Exists(h => h.Live && h.Job == job))
            {
                _matches.Add(_house.Hold(job, topK, holdMs).MatchId);
                return;
            }
            string[] free = [.. _present.Where(m => m.Value.Load + Held(m.Key) < m.Value.MaxParallel).Select(m => m.Key)];
            (string matchId, string[] got) = _house.Hold(job, topK, holdMs);
            Assert.Equal(Math.Min(topK, free.Length), got.Distinct().Count());
            Assert.Empty(got.Except(free));
            _holds.AddRange(got.Select(miner =>
                new ListedHold { Match = _matches.Count, Job = job, Miner = miner, HoldMs = holdMs, ExpiresAt = _now + holdMs }));
            _matches.Add(matchId);
        }

        private void Release(int match, string? miner)
        {
            (HoldFault fault, ListedHold[] live) = Find(match, miner);
            Assert.Equal(fault is HoldFault.Ended ? HoldFault.None : fault, _house.Book.Release(Id(match), miner, out int released));
            Assert.Equal(live.Length, released);
            End(live);
        }

        private void Renew(int match, string? miner, int? holdMs)
        {
            (HoldFault fault, ListedHold[] live) = Find(match, miner);
            Assert.Equal(fault, _house.Book.Renew(Id(match), miner, holdMs, out LiveHold[] renewed, out _));
            Assert.Equal(live.Select(h => (h.Miner, holdMs ?? h.HoldMs)), renewed.Select(r => (r.MinerId, r.ExpiresInMs)));
            foreach (ListedHold hold in live)
            {
                hold.ExpiresAt = _now + (holdMs ?? hold.HoldMs);
            }
        }

        private void Feedback(int match, string job, string miner, bool taken, bool named)
        {
            ListedHold[] ended = [.. _holds.Where(h => h.Live && h.Job == job && (!named || h.Match == match)
                && (h.Miner == miner || (taken && _holds.Exists(other => other.Match == h.Match && other.Miner == miner))))];
            Assert.Equal(ended.Length, _house.EndByFeedback(named ? Id(match) : null, job, miner, taken));
            End(ended);
        }

        private void Come(string miner, int maxParallel)
        {
            _house.Add(miner, maxParallel);
            _present[miner] = (maxParallel, 0);
        }

        private void Go(string miner)
        {
            _house.Leave(miner);
            _present.Remove(miner);
            End(_holds.Where(h => h.Miner == miner));
        }

        private void Beat(string miner, int maxParallel, int load)
        {
            _house.Index.SetLoad(_house.Slot(miner), load);
            _present[miner] = (maxParallel, load);
        }

        private void RegisterAnew(string miner, int maxParallel, int load)
        {
            _house.RegisterAnew(miner, maxParallel);
            _present[miner] = (maxParallel, load);
            End(_holds.Where(h => h.Miner == miner));
        }

        private (HoldFault, ListedHold[]) Find(int match, string? miner)
        {
            ListedHold[] live = [.. _holds.Where(h => h.Live && h.Match == match && (miner is null || h.Miner == miner))];
            return (match >= _matches.Count ? HoldFault.UnknownMatch
                : miner is not null && !_holds.Exists(h => h.Match == match && h.Miner == miner) ? HoldFault.UnknownMiner
                : live.Length == 0 ? HoldFault.Ended
                : HoldFault.None, live);
        }

        private string Id(int match) => match < _matches.Count ? _matches[match] : "unheard";

        private int Held(string miner) => _holds.Count(h => h.Live && h.Miner == miner);

        private static void End(IEnumerable<ListedHold> holds)
        {
            foreach (ListedHold hold in holds)
            {
                hold.Live = false;
            }
        }

        private void AssertAlike()
        {
            _house.Book.EndExpired();
            Assert.Equal(_holds.Count(h => h.Live), _house.Book.Live);
            Assert.Equal(_holds.Count(h => !h.Live), _house.AllEnded);
            Assert.All(_present.Keys, miner => Assert.Equal(Held(miner), _house.Held(miner)));
        }
    }
}
