namespace PoolHub.Daemon.Matching;

/// <summary>
/// How miners begin as candidates in answers: all that their cards alone say, up to the score. The same are the best for
/// many matches, so what was written lately is kept; each thread has its own.
/// </summary>
internal sealed class RecentHeads
{
    private const int Places = 256;

    [ThreadStatic]
    private static RecentHeads? t_own;

    /// <summary>By the last digits of the slot.</summary>
    private readonly (Offer? Offer, byte[] Head)[] _places = new (Offer?, byte[])[Places];
    private readonly JsonBuffer _json = new();

    public static ReadOnlySpan<byte> Of(in MatchCandidate candidate) => (t_own ??= new RecentHeads()).Find(in candidate);

    private ReadOnlySpan<byte> Find(in MatchCandidate candidate)
    {
        ref (Offer? Offer, byte[] Head) place = ref _places[candidate.Slot & (Places - 1)];
        if (place.Offer != candidate.Offer)
        {
            place = (candidate.Offer, Write(candidate.Offer));
        }
        return place.Head;
    }

    private byte[] Write(Offer offer)
    {
        JsonBuffer json = _json;
        json.Clear();
        json.Raw("""{"miner_id":"""u8);
        json.Text(offer.MinerId);
        json.Raw(""","addr":"""u8);
        json.Text(offer.Profile.Addr);
        json.Raw(""","proto":"""u8);
        json.Text(offer.Profile.Proto);
        json.Raw(""","score":"""u8);
        return json.Written.ToArray();
    }
}
