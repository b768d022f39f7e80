namespace PoolHub.Daemon.Matching;

/// <summary>
/// The matches that asked for holds, by their ids: all that hold, and the last of those that are over. Written under the
/// book's lock.
/// </summary>
internal sealed class KnownMatches
{
    /// <summary>How many matches are remembered after the last of their holds has ended.</summary>
    public const int Remembered = 10_000;

    private readonly Dictionary<string, HoldingMatch> _matches = new(StringComparer.Ordinal);
    private readonly Queue<HoldingMatch> _over = new();

    public HoldingMatch? Find(string matchId) => _matches.GetValueOrDefault(matchId);

    public void Add(HoldingMatch match) => _matches.Add(match.MatchId, match);

    /// <summary>The match holds nothing any more: it is forgotten when <see cref="Remembered"/> others are over.</summary>
    public void NoteOver(HoldingMatch match)
    {
        match.Live.TrimExcess();
        _over.Enqueue(match);
        if (_over.Count > Remembered)
        {
            _matches.Remove(_over.Dequeue().MatchId);
        }
    }
}
