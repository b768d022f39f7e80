using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace PoolHub.Protocol;

/// <summary>What identifiers and free texts may look like, on the wire and in JSON alike.</summary>
public static class Texts
{
    private static readonly SearchValues<char> IdChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    private static readonly SearchValues<char> SlugChars =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._+-");

    /// <summary>What is said of a miner's id that is none, after the field's name.</summary>
    public static string MinerIdRule { get; } = $"must be 1 to {Limits.MinerIdChars} letters, digits or any of . _ : -";

    /// <summary>Likewise of a region.</summary>
    public static string RegionRule { get; } = $"must be at most {Limits.RegionChars} lower-case letters, digits or any of . _ + -";

    /// <summary>1 to 64 letters, digits, dots, colons, hyphens or underscores.</summary>
    public static bool IsMinerId([NotNullWhen(true)] string? text) =>
        text is { Length: > 0 and <= Limits.MinerIdChars } && !text.AsSpan().ContainsAnyExcept(IdChars);

    /// <summary>A lower-case name such as a region, an accelerator or a protocol; may be empty.</summary>
    public static bool IsSlug(string text, int maxChars) =>
        text.Length <= maxChars && !text.AsSpan().ContainsAnyExcept(SlugChars);

    /// <summary>No control characters, line separators or lone surrogates: safe in one line of a log.</summary>
    public static bool IsPrintable(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return true;
        }
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF')
            {
                return false;
            }
            if (char.IsSurrogate(c))
            {
                if (i + 1 >= text.Length || !char.IsSurrogatePair(c, text[i + 1]))
                {
                    return false;
                }
                i++;
            }
        }
        return true;
    }
}
