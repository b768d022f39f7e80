using System.IO.MemoryMappedFiles;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// A set of hashes that may also hold some that were never added: a split block Bloom filter, as in Apache Parquet
/// (<see href="https://github.com/apache/parquet-format/blob/master/BloomFilter.md"/>). A hash belongs to one block of 8
/// words, which is within one line of the processor's cache, and sets one bit of each word. Thread-safe, without a lock.
/// <para>
/// It lies in a file that is mapped, so that it outlives the process however that ends; or, where there is no file, in
/// memory. It is given back when nobody has it any more: whoever looks into it must not find it gone.
/// </para>
/// </summary>
internal sealed class GivenSegment
{
    /// <summary>Of each hash when it is full: one in some 40,000 that were never added is found.</summary>
    public const int BitsPerHash = 32;

    private const int HeaderBytes = 64;
    private const int BlockWords = 8;
    private const int BlockBytes = BlockWords * sizeof(uint);
    private const ulong Magic = 0x4E45_5649_4748_5550; // "PUHGIVEN"
    private const uint Version = 1;

    /// <summary>Added, and not yet counted when the process was killed.</summary>
    private const long CountSlack = 4_096;

    private static readonly uint[] s_salts =
        [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31];

    /// <summary>What the bytes belong to: a view of the file, or an array that is not moved.</summary>
    private readonly object _owner;
    private readonly nint _start;
    private readonly uint _blocks;
    private readonly ulong _seed;

    /// <summary>In memory alone.</summary>
    public GivenSegment(int bytes, ulong seed, long begunMs, long number)
    {
        byte[] memory = GC.AllocateArray<byte>(HeaderBytes + bytes + HeaderBytes, pinned: true);
        nint start = Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0);
        (_owner, _start) = (memory, (start + HeaderBytes - 1) & -HeaderBytes);
        (Bytes, Number, _blocks, _seed) = (bytes, number, Blocks(bytes), seed);
        Write(seed, begunMs);
    }

    private GivenSegment(MemoryMappedViewAccessor view, int bytes, long number, (ulong Seed, long BegunMs)? begin)
    {
        (_owner, _start) = (view, view.SafeMemoryMappedViewHandle.DangerousGetHandle());
        (Bytes, Number, _blocks) = (bytes, number, Blocks(bytes));
        if (begin is { } fresh)
        {
            Write(fresh.Seed, fresh.BegunMs);
        }
        _seed = Word<ulong>(16);
    }

    public int Bytes { get; }

    /// <summary>Its place in the order of segments.</summary>
    public long Number { get; }

    public bool IsInFile => _owner is MemoryMappedViewAccessor;

    /// <summary>When it began, Unix ms.</summary>
    public long BegunMs => Word<long>(24);

    /// <summary>How many hashes were added.</summary>
    public long Count => Volatile.Read(ref Word<long>(32));

    /// <summary>How many may be.</summary>
    public long Capacity => (long)Bytes * 8 / BitsPerHash;

    /// <summary>Makes the file of an empty segment, with all of its bytes on the disk.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static GivenSegment Create(string path, int bytes, ulong seed, long begunMs, long number)
    {
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                // A page that the disk has no room for would end the process when it is written to.
                PreallocationSize = HeaderBytes + bytes,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }
            using var file = new FileStream(path, options);
            file.SetLength(HeaderBytes + bytes);
            return new GivenSegment(Map(file), bytes, number, (seed, begunMs));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>Takes a segment over from its file; null when that is none, or is damaged.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static GivenSegment? Open(string path, long number)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        long bytes = file.Length - HeaderBytes;
        if (bytes is < GivenFilter.SmallestSegment or > GivenFilter.LargestSegment || !BitOperations.IsPow2(bytes))
        {
            return null;
        }
        var segment = new GivenSegment(Map(file), (int)bytes, number, begin: null);
        return segment.IsWhole() ? segment : null;
    }

    /// <summary>True when it was not in the set before, as far as that can be told.</summary>
    public bool Add(ulong key)
    {
        ulong hash = Mix(key ^ _seed);
        int block = BlockOf(hash);
        bool isNew = false;
        for (int i = 0; i < BlockWords; i++)
        {
            uint bit = Bit(hash, i);
            ref uint word = ref Word<uint>(block + (i * sizeof(uint)));
            if ((Volatile.Read(ref word) & bit) == 0)
            {
                isNew |= (Interlocked.Or(ref word, bit) & bit) == 0;
            }
        }
        if (isNew)
        {
            _ = Interlocked.Increment(ref Word<long>(32));
        }
        GC.KeepAlive(this);
        return isNew;
    }

    public bool Has(ulong key)
    {
        ulong hash = Mix(key ^ _seed);
        int block = BlockOf(hash);
        bool has = true;
        for (int i = 0; i < BlockWords && has; i++)
        {
            has = (Volatile.Read(ref Word<uint>(block + (i * sizeof(uint)))) & Bit(hash, i)) != 0;
        }
        GC.KeepAlive(this);
        return has;
    }

    /// <summary>The finaliser of MurmurHash3: keys that differ in one bit come apart.</summary>
    public static ulong Mix(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * 0xFF51_AFD7_ED55_8CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CE_B9FE_1A85_EC53;
        return hash ^ (hash >> 33);
    }

    private static uint Blocks(int bytes) => (uint)bytes / BlockBytes;

    private static MemoryMappedViewAccessor Map(FileStream file)
    {
        using MemoryMappedFile mapped = MemoryMappedFile.CreateFromFile(
            file, null, file.Length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        return mapped.CreateViewAccessor(0, file.Length, MemoryMappedFileAccess.ReadWrite);
    }

    private int BlockOf(ulong hash) => HeaderBytes + (BlockBytes * (int)(((hash >> 32) * _blocks) >> 32));

    /// <summary>Valid while this object is.</summary>
    private ref T Word<T>(int offset) => ref Unsafe.AddByteOffset(ref Unsafe.NullRef<T>(), _start + offset);

    private static uint Bit(ulong hash, int word) => 1u << (int)(((uint)hash * s_salts[word]) >> 27);

    private void Write(ulong seed, long begunMs)
    {
        Word<ulong>(0) = Magic;
        Word<uint>(8) = Version;
        Word<uint>(12) = (uint)Bytes;
        Word<ulong>(16) = seed;
        Word<long>(24) = begunMs;
    }

    /// <summary>One with more bits than its hashes could have set would find what was never given.</summary>
    private bool IsWhole()
    {
        if (Word<ulong>(0) != Magic || Word<uint>(8) != Version || Word<uint>(12) != (uint)Bytes || Count < 0 || BegunMs < 0)
        {
            return false;
        }
        long bits = 0;
        for (int offset = HeaderBytes; offset < HeaderBytes + Bytes; offset += sizeof(ulong))
        {
            bits += BitOperations.PopCount(Word<ulong>(offset));
        }
        return bits <= (Count + CountSlack) * BlockWords;
    }
}
