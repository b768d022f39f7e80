namespace PoolHub.Daemon.Matching;

/// <summary>
/// Some bitsets of one segment. The same bitset of the next segment follows each, so that a match, which reads a few of
/// every segment, reads ahead in a few places only.
/// </summary>
/// <param name="words">Where they are.</param>
/// <param name="start">The first word of the first.</param>
/// <param name="stride">Words from one to the next.</param>
internal readonly struct Bitsets(ulong[] words, int start, int stride)
{
    public Span<ulong> this[int number] => words.AsSpan(start + (number * stride), Segment.Words);

    /// <summary>Makes each of the first few hold also whom those after it hold.</summary>
    public void AddEachToBefore(int count)
    {
        for (int number = count - 2; number >= 0; number--)
        {
            Bitset.Add(this[number], this[number + 1]);
        }
    }

    /// <summary>Those from this one on.</summary>
    public Bitsets From(int number) => new(words, start + (number * stride), stride);
}
