namespace PoolHub.Daemon.Matching;

/// <summary>
/// One distinct text that miners declare (a region prefix, a tag, …) and, per segment, who declares it. A term lives
/// while a miner uses it. A text that comes back gets a new term, so a reader that still holds the old one finds it
/// empty rather than somebody else's.
/// </summary>
/// <param name="text">The text.</param>
/// <param name="table">The terms of its kind.</param>
/// <param name="number">Its own among all.</param>
/// <param name="parent">The term that whoever declares this one declares too; null when there is none.</param>
internal sealed class Term(string text, TermTable table, int number, Term? parent)
{
    private static readonly SlotSet s_nobody;

    private volatile Members _members = new(0, []);

    /// <summary>Sets of the segments from the first on that has had one.</summary>
    private sealed record Members(int First, SlotSet[] Sets);

    /// <summary>The one instance of the text that all profiles share.</summary>
    public string Text { get; } = text;

    public TermTable Table { get; } = table;

    public int Number { get; } = number;

    /// <summary>Of the region eu-west-1 it is eu-west.</summary>
    public Term? Parent { get; } = parent;

    /// <summary>How many miners use it.</summary>
    public int Uses { get; set; }

    /// <summary>Marks the terms already met while one profile's terms are collected.</summary>
    public int Stamp { get; set; }

    /// <summary>Who declares it in a segment.</summary>
    public ref readonly SlotSet In(int segment)
    {
        Members members = _members;
        int place = segment - members.First;
        if ((uint)place < (uint)members.Sets.Length)
        {
            return ref members.Sets[place];
        }
        return ref s_nobody;
    }

    public void Set(int segment, int offset, BitsetPool pool) => SetOf(segment).Add(offset, pool);

    /// <summary>All at once, where nobody did.</summary>
    public void Set(int segment, in SlotSet miners) => SetOf(segment) = miners;

    /// <summary>Moves the bitsets of the segments from this one on, which nobody reads yet.</summary>
    public void MoveSets(int segment, BitsetPool pool)
    {
        Members members = _members;
        for (int place = Math.Max(0, segment - members.First); place < members.Sets.Length; place++)
        {
            members.Sets[place].MoveTo(pool);
        }
    }

    public void Clear(int segment, int offset, BitsetPool pool)
    {
        Members members = _members;
        members.Sets[segment - members.First].Remove(offset, pool);
    }

    /// <summary>Where a segment's set is kept, from here on.</summary>
    private ref SlotSet SetOf(int segment)
    {
        Members members = _members;
        if (members.Sets.Length == 0)
        {
            _members = members = new Members(segment, new SlotSet[1]);
        }
        else if (segment < members.First || segment >= members.First + members.Sets.Length)
        {
            int first = Math.Min(segment, members.First);
            int end = members.First + members.Sets.Length;
            // With some room at the end: as a fleet grows, it would be copied for each segment.
            end = segment < end ? end : segment + 1 + (members.Sets.Length / 2);
            var sets = new SlotSet[end - first];
            members.Sets.CopyTo(sets, members.First - first);
            _members = members = new Members(first, sets);
        }
        return ref members.Sets[segment - members.First];
    }
}
