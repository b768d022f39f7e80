using System.Diagnostics;
using System.Text;

namespace PoolHub.Tests.Attack;

/// <summary>A reader under attack. Each processor has one of its own.</summary>
internal abstract class FuzzTarget : IDisposable
{
    /// <summary>Reads one input; null when it was not accepted. What this allocates counts.</summary>
    public abstract object? Take(ReadOnlyMemory<byte> input);

    /// <summary>Fails when the input ought to have been judged otherwise.</summary>
    /// <param name="input">What was read.</param>
    /// <param name="accepted">What <see cref="Take"/> gave.</param>
    public abstract void Check(ReadOnlySpan<byte> input, object? accepted);

    /// <summary>How many bytes an input of this length may allocate at most.</summary>
    public abstract long CapBytes(int length);

    public abstract void Dispose();
}

/// <summary>Throws a number of spoilt inputs at readers, on every processor, and prints what came of it.</summary>
internal static class Campaign
{
    /// <summary>What is made once, such as buffers and tables, is made by these.</summary>
    private const int WarmUp = 2_000;

    /// <summary>What a collection in between adds to the count: the rest of the thread's piece of the heap.</summary>
    private const int CollectionBytes = 8_192;

    /// <summary>
    /// What the runtime adds, now and then, for a table of its own that grows: 98,304 bytes for that of casts. A reader that
    /// takes as much takes it more often.
    /// </summary>
    private const int RuntimeBytes = 131_072;
    private const int RuntimeTimes = 4;

    public static void Run(string name, long inputs, Specimen[] corpus, byte[][] tokens, Func<FuzzTarget> target)
    {
        long accepted = 0, largest = 0;
        int workers = Effort.Of(1, Environment.ProcessorCount);
        var elapsed = Stopwatch.StartNew();
        Effort.Print($"{name}: seed {Effort.Seed}");
        _ = Parallel.For(0, workers, worker =>
        {
            var mutator = new Mutator(Effort.Seed + (ulong)worker, corpus, tokens);
            using FuzzTarget it = target();
            long mine = 0, most = 0;
            int excess = 0;
            for (long i = -WarmUp; i < inputs / workers; i++)
            {
                ReadOnlyMemory<byte> input = mutator.Next();
                try
                {
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    object? taken = it.Take(input);
                    long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
                    if (i >= 0)
                    {
                        long cap = it.CapBytes(input.Length) + CollectionBytes;
                        if (bytes <= cap)
                        {
                            most = Math.Max(most, bytes);
                        }
                        else
                        {
                            Assert.True(bytes <= cap + RuntimeBytes && ++excess <= RuntimeTimes, $"{bytes} bytes allocated for {input.Length}");
                        }
                    }
                    it.Check(input.Span, taken);
                    mine += taken is null || i < 0 ? 0 : 1;
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException(
                        $"{name}, POOLHUB_TEST_SEED={Effort.Seed}, input {i}: {e.Message}\n{Convert.ToHexStringLower(input.Span)}\n{Encoding.UTF8.GetString(input.Span)}", e);
                }
            }
            Interlocked.Add(ref accepted, mine);
            InterlockedMax(ref largest, most);
        });
        Effort.Print(
            $"{name}: {inputs:N0} inputs in {elapsed.Elapsed.TotalSeconds:0.0} s, {accepted:N0} accepted, at most {largest:N0} bytes allocated for one");
        // Where nothing is accepted, or everything, nothing was put to the test.
        Assert.InRange(accepted, 1, inputs - 1);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (long seen = Volatile.Read(ref target); value > seen;)
        {
            long before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
            {
                return;
            }
            seen = before;
        }
    }
}
