namespace Handwritten.Runtime.Settings;

/// <summary>A text that stands for no value of a setting.</summary>
/// <param name="message">One sentence: what it must be, and what it is.</param>
public sealed class SettingException(string message) : Exception(message);
