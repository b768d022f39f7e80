using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The last decisions, found by their id. A ring without a lock: an id carries its number, the number its place in the
/// ring, so neither keeping nor finding one searches.
/// <para>
/// An id has the form of a UUID of version 7 (RFC 9562): 48 bits of Unix ms, then the number's 32 bits, around the
/// version and the variant, then 10 bits that are random for each start of the hub, and the 32 of a tag that says whose
/// match it is. So ids are ordered by time, those of one ms as they were made, and none comes again after a restart.
/// </para>
/// </summary>
internal sealed class DecisionLog(TimeProvider time, int capacity = DecisionLog.Capacity, long maxBytes = DecisionLog.MaxBytes)
{
    public const int Capacity = 10_000;

    /// <summary>Not reached by matches of up to some 40 candidates.</summary>
    public const long MaxBytes = 128 << 20;

    private const int LowBits = 20;
    private const int RandomBits = 10;
    private const int TagBits = 32;
    private const int TailBits = RandomBits + TagBits;

    private readonly Decision?[] _ring = new Decision?[capacity];

    /// <summary>How large each is: the one that is forgotten need not be fetched from memory for it.</summary>
    private readonly int[] _sizes = new int[capacity];
    private readonly ulong _random = (ulong)RandomNumberGenerator.GetInt32(1 << RandomBits) << TagBits;
    private int _number;
    private long _bytes;

    /// <summary>How many can be found now. Counts them.</summary>
    public int Count => _ring.Count(decision => decision is not null);

    /// <summary>The tag in an id; null when it has not the form of one. Any 128 bits have a tag.</summary>
    public static uint? TagOf(string id)
    {
        Span<byte> bytes = stackalloc byte[16];
        return Guid.TryParseExact(id, "N", out Guid guid) && guid.TryWriteBytes(bytes, bigEndian: true, out _)
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes[12..])
            : null;
    }

    /// <summary>The time in an id, Unix ms; null when it has not the form of one.</summary>
    public static long? TimeOf(string id)
    {
        Span<byte> bytes = stackalloc byte[16];
        return Guid.TryParseExact(id, "N", out Guid guid) && guid.TryWriteBytes(bytes, bigEndian: true, out _)
            ? (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16)
            : null;
    }

    /// <param name="tag">Of whoever asks for the match.</param>
    public Guid NextId(uint tag)
    {
        uint number = (uint)Interlocked.Increment(ref _number);
        ulong ms = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (ms << 16) | 0x7000 | (number >> LowBits));
        BinaryPrimitives.WriteUInt64BigEndian(
            bytes[8..], (0b10UL << 62) | ((ulong)(number & ((1 << LowBits) - 1)) << TailBits) | _random | tag);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Keeps a decision, and forgets the oldest when there are too many or they are too large.</summary>
    /// <param name="id">From <see cref="NextId"/>.</param>
    /// <param name="query">What was asked.</param>
    /// <param name="result">What was found; copied.</param>
    public void Keep(Guid id, MatchQuery query, MatchResult result)
    {
        var decision = new Decision(id, query, result);
        int place = Place(id);
        long bytes = Put(place, decision);
        // The oldest comes next after the newest.
        for (int i = 1; bytes > maxBytes && i < capacity; i++)
        {
            int next = (place + i) % capacity;
            if (Volatile.Read(ref _ring[next]) is not null)
            {
                bytes = Put(next, null);
            }
        }
    }

    /// <summary>Null when there was none of this id, or it is forgotten.</summary>
    public Decision? Find(string id) =>
        Guid.TryParseExact(id, "N", out Guid guid) && Volatile.Read(ref _ring[Place(guid)]) is { } decision && decision.Id == guid
            ? decision
            : null;

    private long Put(int place, Decision? decision)
    {
        int bytes = decision?.Bytes ?? 0;
        Volatile.Write(ref _ring[place], decision);
        return Interlocked.Add(ref _bytes, bytes - Interlocked.Exchange(ref _sizes[place], bytes));
    }

    /// <summary>Where the decision of an id stands, or would; any 128 bits have a place.</summary>
    private int Place(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = id.TryWriteBytes(bytes, bigEndian: true, out _);
        uint high = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0xFFFu;
        ulong low = (BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) >> TailBits) & ((1 << LowBits) - 1);
        return (int)(((high << LowBits) | (uint)low) % (uint)capacity);
    }
}
