using System.Collections.Concurrent;
using PoolHub.Daemon.Storage;

namespace PoolHub.Daemon.Trust;

/// <summary>
/// The standings in memory of every miner of which something was learnt. Thread-safe; reading takes no lock. A standing
/// changes only after the store has made the outcome durable.
/// </summary>
/// <param name="fleetSize">
/// How many miners are in the fleet now. Called under the book's lock and from the store's thread: it must not wait.
/// </param>
internal sealed class TrustBook(TrustModel model, IHubStore store, TimeProvider time, Func<int> fleetSize)
{
    /// <summary>A score that has drifted by more than this since it was last told is told anew.</summary>
    public const double ToldDrift = 0.005;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Standing> _standings = new();

    /// <summary>Until when each is ejected, as a timestamp: nobody sets that clock, neither forwards nor back.</summary>
    private readonly ConcurrentDictionary<string, long> _ejected = new();

    // Decay moves a score by less than a quarter per half-life: looking a thousand times in one misses nothing of note.
    private readonly TimeSpan _driftInterval = TimeSpan.FromDays(model.Options.HalfLifeDays / 1_000);
    private DateTimeOffset _driftSeenAt = time.GetUtcNow();
    private long _learnt;
    private int _reserved;

    /// <summary>
    /// Raised with the miner's id after its score or its ejection has changed, on any thread and outside of the book's
    /// lock. Two may be raised at once for one miner: read the standing within the lock that guards what you write it to,
    /// then the last to write has read the last standing.
    /// </summary>
    public event Action<string>? StandingChanged;

    /// <summary>How many miners are ejected now.</summary>
    public int EjectedCount => _ejected.Count;

    /// <summary>Takes over what was stored. Called once, before anything else; raises nothing.</summary>
    public void Load(IEnumerable<StoredMiner> miners)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (StoredMiner miner in miners)
        {
            if (miner.Trust is { Good: 0, Bad: 0, FailuresInARow: 0, EjectedUntil: null })
            {
                continue;
            }
            _standings[miner.MinerId] = new Standing(miner.Trust, 0, model.Score(miner.Trust, now));
            if (model.IsEjected(miner.Trust, now))
            {
                _ejected[miner.MinerId] = Timestamp(miner.Trust.EjectedUntil!.Value, now);
            }
        }
    }

    /// <summary>Makes the outcome durable and takes what it teaches into the standings.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was recorded.</exception>
    /// <exception cref="UnknownMinerException">The store knows no such miner.</exception>
    public Task<TrustReceipt> RecordAsync(StoredFeedback feedback) => RecordAsync(store, feedback);

    /// <summary>The same in another store, such as the one that a spool delivers to.</summary>
    public async Task<TrustReceipt> RecordAsync(IHubStore into, StoredFeedback feedback)
    {
        var lesson = new Lesson();
        FeedbackReceipt receipt;
        try
        {
            receipt = await into.RecordFeedbackAsync(feedback, state => Learn(lesson, state, feedback));
        }
        catch
        {
            lock (_gate)
            {
                Unreserve(lesson);
            }
            throw;
        }
        if (receipt.Recorded && feedback.Matched
            && (receipt.Spooled ? Anticipate(lesson, feedback) : Apply(feedback.MinerId, lesson, receipt.Trust)))
        {
            StandingChanged?.Invoke(feedback.MinerId);
        }
        return new TrustReceipt(receipt.Recorded, Score(feedback.MinerId), EjectedUntil(feedback.MinerId));
    }

    /// <summary>Durably forgets what was learnt of a miner, and ends its ejection: it stands as one that nobody knows.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was forgotten.</exception>
    /// <exception cref="UnknownMinerException">The store knows no such miner.</exception>
    public async Task ResetAsync(string minerId, AuditEntry audit)
    {
        var lesson = new Lesson();
        await store.ResetTrustAsync(
            minerId,
            () =>
            {
                lock (_gate)
                {
                    lesson.Number = ++_learnt;
                }
            },
            audit);
        lock (_gate)
        {
            if (!_standings.TryGetValue(minerId, out Standing before) || before.Number < lesson.Number)
            {
                _standings[minerId] = new Standing(TrustState.None, lesson.Number, model.Score(TrustState.None, time.GetUtcNow()));
                _ = _ejected.TryRemove(minerId, out _);
            }
            else if (before.State.EjectedUntil is null)
            {
                // What was learnt since is in place already; the ejection is of before.
                _ = _ejected.TryRemove(minerId, out _);
            }
        }
        StandingChanged?.Invoke(minerId);
    }

    /// <summary>The miner's score now, above 0 and below 1.</summary>
    public double Score(string minerId)
    {
        TrustState state = _standings.TryGetValue(minerId, out Standing standing) ? standing.State : TrustState.None;
        return model.Score(state, time.GetUtcNow());
    }

    public bool IsEjected(string minerId) => _ejected.TryGetValue(minerId, out long until) && until > time.GetTimestamp();

    /// <summary>When the miner comes back; null when it is not ejected.</summary>
    public DateTimeOffset? EjectedUntil(string minerId) =>
        _ejected.TryGetValue(minerId, out long until) && time.GetElapsedTime(time.GetTimestamp(), until) is { Ticks: > 0 } left
            ? time.GetUtcNow() + left
            : null;

    /// <summary>
    /// Ends the ejections that are over, and those that are too many for a fleet that has shrunk, the soonest to end
    /// first; tells of scores that have drifted. Meant to be called every second.
    /// </summary>
    public void Sweep(DateTimeOffset now)
    {
        List<string> changed = [];
        if (!_ejected.IsEmpty || now - _driftSeenAt >= _driftInterval || now < _driftSeenAt)
        {
            lock (_gate)
            {
                EndEjections(changed);
                SeeDrift(now, changed);
            }
        }
        foreach (string minerId in changed)
        {
            StandingChanged?.Invoke(minerId);
        }
    }

    /// <summary>
    /// Runs on the store's thread, before the outcome is durable. An ejection is reserved here, since several may be
    /// learnt in one transaction, before the first of them counts.
    /// </summary>
    private TrustState Learn(Lesson lesson, TrustState state, StoredFeedback feedback)
    {
        lock (_gate)
        {
            Unreserve(lesson);
            // One that is ejected already does not take a place from itself, as when a spooled failure is learnt for good.
            int others = _ejected.Count - (_ejected.ContainsKey(feedback.MinerId) ? 1 : 0);
            bool mayEject = others + _reserved < model.MaxEjected(fleetSize());
            TrustState learnt = model.Learn(state, feedback.Outcome, feedback.FailCode, feedback.At, mayEject);
            if (learnt.EjectedUntil is { } until && until != state.EjectedUntil)
            {
                lesson.Reserved = true;
                _reserved++;
            }
            lesson.Number = ++_learnt;
            return learnt;
        }
    }

    /// <summary>
    /// Learns from a report that has not reached the database yet, in memory alone; delivered, it is learnt again from what
    /// the database holds, and that counts.
    /// </summary>
    private bool Anticipate(Lesson lesson, StoredFeedback feedback)
    {
        lock (_gate)
        {
            TrustState state = _standings.TryGetValue(feedback.MinerId, out Standing standing) ? standing.State : TrustState.None;
            return Apply(feedback.MinerId, lesson, Learn(lesson, state, feedback));
        }
    }

    /// <summary>Takes a durable state over; true when the score or the ejection has changed.</summary>
    private bool Apply(string minerId, Lesson lesson, in TrustState state)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            bool ejected = lesson.Reserved && model.IsEjected(state, now);
            Unreserve(lesson);
            bool known = _standings.TryGetValue(minerId, out Standing before);
            if (known && before.Number > lesson.Number)
            {
                // Two outcomes became durable in order and were taken over out of it: the later state holds both.
                // An ejection is in that state too, unless the trust was reset since, but only the lesson that decided it knows
                // that it is new.
                ejected &= before.State.EjectedUntil == state.EjectedUntil;
                if (ejected)
                {
                    _ejected[minerId] = Timestamp(state.EjectedUntil!.Value, now);
                }
                return ejected;
            }
            double score = model.Score(state, now);
            double told = known ? before.Told : model.Score(TrustState.None, now);
            // Any change that feedback makes is told, however small: whoever gave it looks for it.
            _standings[minerId] = new Standing(state, lesson.Number, score);
            if (ejected)
            {
                _ejected[minerId] = Timestamp(state.EjectedUntil!.Value, now);
            }
            return ejected || score != told;
        }
    }

    private void Unreserve(Lesson lesson)
    {
        if (lesson.Reserved)
        {
            lesson.Reserved = false;
            _reserved--;
        }
    }

    /// <summary>The timestamp of an instant, by what the clock on the wall says now.</summary>
    private long Timestamp(DateTimeOffset at, DateTimeOffset now) =>
        time.GetTimestamp() + (long)((at - now).TotalSeconds * time.TimestampFrequency);

    private void EndEjections(List<string> changed)
    {
        long now = time.GetTimestamp();
        foreach ((string minerId, long until) in _ejected)
        {
            if (until <= now)
            {
                changed.Add(minerId);
                _ejected.TryRemove(minerId, out _);
            }
        }
        int tooMany = _ejected.Count - model.MaxEjected(fleetSize());
        if (tooMany <= 0)
        {
            return;
        }
        var soonest = _ejected.OrderBy(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal).Take(tooMany).ToList();
        foreach ((string minerId, _) in soonest)
        {
            changed.Add(minerId);
            _ejected.TryRemove(minerId, out _);
        }
    }

    private void SeeDrift(DateTimeOffset now, List<string> changed)
    {
        if (now - _driftSeenAt < _driftInterval && now >= _driftSeenAt)
        {
            return;
        }
        _driftSeenAt = now;
        foreach ((string minerId, Standing standing) in _standings)
        {
            double score = model.Score(standing.State, now);
            if (Math.Abs(score - standing.Told) > ToldDrift)
            {
                _standings[minerId] = standing with { Told = score };
                changed.Add(minerId);
            }
        }
    }

    /// <param name="Number">Which lesson it comes from, in the order of their becoming durable.</param>
    /// <param name="Told">The score when <see cref="StandingChanged"/> was last raised.</param>
    private readonly record struct Standing(TrustState State, long Number, double Told);

    private sealed class Lesson
    {
        public long Number { get; set; }

        /// <summary>Whether it holds a place among those that may be ejected.</summary>
        public bool Reserved { get; set; }
    }
}

/// <param name="Recorded">False for a duplicate, which changed nothing.</param>
/// <param name="Score">The miner's score now.</param>
/// <param name="EjectedUntil">When the miner comes back; null when it is not ejected.</param>
internal readonly record struct TrustReceipt(bool Recorded, double Score, DateTimeOffset? EjectedUntil);
