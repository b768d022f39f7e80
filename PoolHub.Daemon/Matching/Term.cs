namespace PoolHub.Daemon.Matching;

/// <summary>
/// One distinct text that miners declare (a region prefix, a tag, …) and, per segment, who declares it. A term lives
/// while a miner uses it. A text that comes back gets a new term, so a reader that still holds the old one finds it
/// empty rather than somebody else's.
/// </summary>
internal sealed class Term(string text, TermTable table)
{
    private SlotSet?[] _segments = [];

    /// <summary>The one instance of the text that all profiles share.</summary>
    public string Text { get; } = text;

    public TermTable Table { get; } = table;

    /// <summary>How many miners use it.</summary>
    public int Uses { get; set; }

    /// <summary>Marks the terms already met while one profile's terms are collected.</summary>
    public int Stamp { get; set; }

    /// <summary>Who declares it in a segment; null when nobody does.</summary>
    public SlotSet? In(int segment)
    {
        SlotSet?[] segments = Volatile.Read(ref _segments);
        return segment < segments.Length ? Volatile.Read(ref segments[segment]) : null;
    }

    public void Set(int segment, int offset)
    {
        if (segment >= _segments.Length)
        {
            SlotSet?[] grown = new SlotSet?[segment + 1];
            _segments.CopyTo(grown, 0);
            Volatile.Write(ref _segments, grown);
        }
        SlotSet? set = _segments[segment];
        if (set is null)
        {
            set = new SlotSet();
            Volatile.Write(ref _segments[segment], set);
        }
        set.Add(offset);
    }

    public void Clear(int segment, int offset)
    {
        SlotSet set = _segments[segment]!;
        set.Remove(offset);
        if (set.Count == 0)
        {
            Volatile.Write(ref _segments[segment], null);
        }
    }
}
